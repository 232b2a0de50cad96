"""What classifying pictures, words and sounds has in common."""
