"""Texts to vectors, one module for each way."""
