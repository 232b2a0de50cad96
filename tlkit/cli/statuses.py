"""Exit statuses, as shells expect them."""

FAILED, REFUSED, INTERRUPTED, TERMINATED = 1, 2, 130, 143
