"""Retrieval measures and the statistics to compare them."""
