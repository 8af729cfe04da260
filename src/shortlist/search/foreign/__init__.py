"""Functions and the retrievers of frameworks as stage one."""
