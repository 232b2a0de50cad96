"""What each lesson finds in its numbers, one module a notebook: sentences that are true whatever they are."""
