"""Fixtures for all rooms."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortlist.models.packaged import CROSS_ENCODER, packaged_folder

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def packaged_cross_encoder() -> Path:
    return packaged_folder(CROSS_ENCODER)


@pytest.fixture
def test_sets() -> Path:
    if not (SHARED / "eval").is_dir():
        pytest.skip(f"no test sets at {SHARED}")
    return SHARED / "eval"
