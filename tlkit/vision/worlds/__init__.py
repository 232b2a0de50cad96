"""Generated pictures, and the dial between two of their worlds."""
