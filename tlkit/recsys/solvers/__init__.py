"""The numerics that recommenders share: least squares, variational Bayes, decompositions."""
