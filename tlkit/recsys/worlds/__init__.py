"""Two generated shops with customers in common."""
