"""The notebooks as a course: run, recorded, reported, published."""
