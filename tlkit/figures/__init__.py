"""Charts, their look, and quantities in words."""
