"""Ratings and what is known of items, as tables: read, checked, put on one catalogue."""
