"""Pictures as arrays, from files and from fonts, and their augmentation."""
