"""An error of the user's own reranker names it and the line that raised it."""

import pytest

import shortlist as sl
from shortlist.errors import ModelError


class Broken:
    name = "broken"

    def score(self, query, texts):
        return [len(text) / 0 for text in texts]


class Forbidden(Broken):
    def score(self, query, texts):
        raise ModelError("no key")


def test_an_error_of_a_reranker_names_it_and_the_line():
    with pytest.raises(
        ModelError, match=r"^broken failed: ZeroDivisionError: .*, in test_failures\.py line 13$"
    ) as caught:
        sl.rerank("tax", ["a tax"], reranker=Broken())
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_error_of_shortlist_stays():
    with pytest.raises(ModelError, match=r"^no key$"):
        sl.rerank("tax", ["a tax"], reranker=Forbidden())
