"""The models and an index over HTTP."""
