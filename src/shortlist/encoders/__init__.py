"""Text to vectors, one file a way."""
