"""Networks as backbone and head, and the features of a frozen one."""
