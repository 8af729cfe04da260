"""Judged queries: reading, writing, resolving and making them."""

from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve

__all__ = ["Judged", "QuerySet", "resolve"]
