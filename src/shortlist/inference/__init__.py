"""Tokenise, batch by length, run on the fastest runtime at hand, scatter back."""
