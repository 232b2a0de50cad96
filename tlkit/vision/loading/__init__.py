"""Where pictures come from: folders of them, and torchvision's data sets."""
