"""Recorded scoring passes, and searches that are answered from them."""
