"""Fixtures of the command line."""

from __future__ import annotations

from functools import cache

import pytest

from shortlist import registry

LOAD_ENCODER, LOAD_RERANKER = cache(registry.load_encoder), cache(registry.load_reranker)


@pytest.fixture(autouse=True)
def _models_load_once(monkeypatch):
    """Commands share the loaded models of this process."""
    monkeypatch.setattr(registry, "load_encoder", LOAD_ENCODER)
    monkeypatch.setattr(registry, "load_reranker", LOAD_RERANKER)
