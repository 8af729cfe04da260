"""Capacity planning: memory, disk, shards, cores and time for a number of passages and queries a second."""
