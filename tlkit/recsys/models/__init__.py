"""Recommenders, scikit-learn style: `fit(ratings)`, `predict(users, items)`, `recommend(users, n)`."""
