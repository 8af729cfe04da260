"""Parts of the integrations that were given by a name can be pickled, and copies share what is loaded."""

from __future__ import annotations

import copy
import pickle

import pytest
from corpus import QUERY, TEXTS, make_search

from fakes import WordReranker
from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.integrations.calls import SharedReranker, SharedSearch


def test_a_search_by_its_name_can_be_pickled():
    config = SearchConfig(reranker="attribute_parts:OwnReranker", pool_size=20)
    shared = SharedSearch("attribute_parts:matches", config)
    ids = [hit.id for hit in shared.search("the red house")]
    loaded = pickle.loads(pickle.dumps(shared))
    assert ids
    assert [hit.id for hit in loaded.search("the red house")] == ids


def test_a_reranker_by_its_name_can_be_pickled():
    loaded = pickle.loads(pickle.dumps(SharedReranker("attribute_parts:OwnReranker")))
    assert len(loaded.rank(QUERY, list(TEXTS.values()))) == len(TEXTS)


@pytest.mark.parametrize("shared", [SharedSearch(make_search()), SharedReranker(WordReranker())])
def test_an_open_search_and_a_loaded_reranker_cannot_be_pickled_and_copies_share_them(shared):
    with pytest.raises(InvalidInput, match="is open or loaded, so it cannot be pickled: give its name"):
        pickle.dumps(shared)
    assert copy.deepcopy(shared) is shared
