"""What every floor stands on: devices, files, downloads, digests."""
