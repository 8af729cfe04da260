"""Fixtures of the command line."""

from __future__ import annotations

from functools import cache

import pytest

from shortlist import registry
from shortlist.models.packaged import CROSS_ENCODER

LOAD_RERANKER = registry.load_reranker
ENCODERS, RERANKERS = cache(registry.load_encoder), cache(LOAD_RERANKER)


@pytest.fixture(autouse=True)
def _models_load_once(monkeypatch):
    """Commands share the packaged models of this process."""

    def load_reranker(name=CROSS_ENCODER, **options):
        return (RERANKERS if name == CROSS_ENCODER else LOAD_RERANKER)(name, **options)

    monkeypatch.setattr(registry, "load_encoder", ENCODERS)
    monkeypatch.setattr(registry, "load_reranker", load_reranker)
