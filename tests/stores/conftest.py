"""What the tests of several stores share."""

from __future__ import annotations

import pytest

from shortlist.stores.kinds import load_store


@pytest.fixture
def opened():
    """A function that opens a store as `load_store` does. The stores are closed at the end."""
    stores = []

    def load(name, fields=None, **options):
        stores.append(load_store(name, fields, **options))
        return stores[-1]

    yield load
    for store in stores:
        store.close()
