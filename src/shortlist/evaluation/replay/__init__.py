"""Recorded scoring passes, and the searches that are read off them."""
