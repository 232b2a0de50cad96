"""The training loop, and what trains when as data."""
