"""Recorded scoring passes, and the searches that are computed from them."""
