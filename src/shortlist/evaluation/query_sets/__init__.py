"""Judged queries: reading, writing, resolving and making them."""
