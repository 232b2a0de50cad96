"""Strategies that know no modality: each takes examples in the form that its modality's base gives them."""
