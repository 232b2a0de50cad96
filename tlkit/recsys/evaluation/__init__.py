"""Splits of ratings, metrics of lists and of stars, and examples to look at."""
