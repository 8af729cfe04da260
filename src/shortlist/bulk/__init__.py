"""Bulk work: rerank a whole run, and turn a whole file of texts into vectors. Stopped work continues."""

from shortlist.bulk.embedding import embed
from shortlist.bulk.report import BulkReport, FailedRow
from shortlist.bulk.reranking import rerank

__all__ = ["BulkReport", "FailedRow", "embed", "rerank"]
