"""What a study is made of: tasks, strategies, sources, trials, and the verdict on them. Knows no modality."""
