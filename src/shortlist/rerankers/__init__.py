"""A query and texts to scores, one module for each way."""
