"""Retrieval measures, and the statistics that compare them."""
