"""Recommendation: ratings, recommenders, and strategies that carry taste from one domain to another."""
