"""What every reranker must do. A reranker joins by one entry in RERANKERS."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import standin_torch
import tiny
import tiny_late
from fakes import WordReranker
from shortlist.errors import InvalidInput
from shortlist.models.folder import read_cross_encoder
from shortlist.protocols import HasWeights, Reranker, ScoresProgressively, SkipsQueries
from shortlist.registry import load_reranker, progressive_of
from shortlist.rerankers.sentence_transformer import SentenceTransformerReranker
from shortlist.search.rerank import rank
from shortlist.search.scores import info_of
from shortlist.search.search import Search
from shortlist.types import Hit, Note, RerankerInfo, Scores
from spread import apart
from standin_chat import chat
from standin_vendor import standin_vendor, tei

QUERY = "red cat"
TEXTS = ["the red cat sat", "a dog runs", "server local file", "green " * 90, "blue", "not a cat", "no", "the server"]
POOL = [f"{text} {number}" for number in range(5) for text in TEXTS]


@contextmanager
def hosted(_: Path) -> Iterator[Reranker]:
    with pytest.MonkeyPatch.context() as patch, standin_vendor(tei) as server:
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield load_reranker(f"tei:{server.url}")


@contextmanager
def listwise(_: Path) -> Iterator[Reranker]:
    with pytest.MonkeyPatch.context() as patch, standin_vendor(chat) as server:
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield load_reranker(f"openai-list:m@{server.url}")


@contextmanager
def torch(folder: Path) -> Iterator[Reranker]:
    """The reranker under torch, with word counts in place of sentence-transformers."""

    def predict(pairs: list[tuple[str, str]], **_: Any) -> Any:
        return np.array([WordReranker().score(query, [text])[0] - len(text) / 1e4 for query, text in pairs])

    cpu = SimpleNamespace(type="cpu")
    fake = SimpleNamespace(CrossEncoder=lambda *_, **__: SimpleNamespace(predict=predict, device=cpu))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch", SimpleNamespace(nn=SimpleNamespace(Identity=lambda: None)))
        patch.setitem(sys.modules, "sentence_transformers", fake)
        yield SentenceTransformerReranker(read_cross_encoder(tiny.cross_encoder(folder), "x"))


@contextmanager
def on_a_gpu(folder: Path) -> Iterator[Reranker]:
    """The cross-encoder in torch's own engine, with a stand-in that has a GPU."""
    with standin_torch.installed():
        yield load_reranker(str(tiny.staged(folder)), device="torch:cuda", precision="exact")


@contextmanager
def local(name: str, *, progressive: bool = False) -> Iterator[Reranker]:
    reranker = load_reranker(name, device="cpu", early_exits=progressive)
    make = progressive_of(reranker) if progressive else None
    yield make() if make is not None else reranker


def long_window(folder: Path) -> Path:
    """A late-interaction model whose window is that of the other models."""
    tiny_late.colbert(folder, doc_maxlen=64)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 64}))
    return folder


RERANKERS: dict[str, Callable[[Path], Any]] = {
    "cross-encoder": lambda folder: local(str(tiny.cross_encoder(folder))),
    "cross-encoder in stages": lambda folder: local(str(tiny.staged(folder))),
    "progressive": lambda folder: local(str(tiny.staged(folder, drop=True)), progressive=True),
    "packaged": lambda _: local("shortlist-reranker-v1"),
    "packaged progressive": lambda _: local("shortlist-reranker-v1", progressive=True),
    "late interaction": lambda folder: local(f"colbert:{long_window(folder)}"),
    "torch": torch,
    "torch engine": on_a_gpu,
    "hosted": hosted,
    "listwise": listwise,
    "attribute": lambda _: local("attribute_parts:OwnReranker"),
}
OWN = "attribute"
"""A reranker of the user's own, without the checks and the methods that the protocol leaves out."""


@pytest.fixture(scope="module", params=RERANKERS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def reranker(kind, tmp_path_factory):
    with RERANKERS[kind](tmp_path_factory.mktemp("reranker")) as part:
        yield part


def order(scores):
    return sorted(range(len(scores)), key=lambda place: -scores[place])


def test_its_info(kind, reranker):
    info = info_of(reranker)
    assert info.name
    assert info.unit in ("logit", "score", "reciprocal rank")
    assert info.window is None or info.window >= 64
    assert info.max_concurrent >= 1
    assert info.pointwise is not kind.endswith(("progressive", "listwise"))
    assert info.remote is (kind in ("hosted", "listwise"))
    assert (reranker.info == info) if kind != OWN else (info == RerankerInfo("own", pointwise=True))


def test_one_finite_score_for_each_text(kind, reranker):
    scores = reranker.score(QUERY, TEXTS)
    assert len(scores) == len(TEXTS)
    assert all(isinstance(score, float) and math.isfinite(score) for score in scores)
    if kind != OWN:
        assert isinstance(scores, Scores)
        assert len(scores.truncated) == len(TEXTS)
        assert scores.exits_left == []


def test_no_texts_give_no_scores(reranker):
    assert reranker.score(QUERY, []) == []


def test_the_order_of_the_texts_does_not_matter(reranker):
    scores = reranker.score(QUERY, TEXTS)
    backwards = reranker.score(QUERY, TEXTS[::-1])[::-1]
    if info_of(reranker).pointwise:
        assert apart(backwards, scores) < 0.03
    assert order(backwards)[0] == order(scores)[0]


def test_a_pointwise_score_does_not_depend_on_the_other_texts(reranker):
    if not info_of(reranker).pointwise:
        pytest.skip("its scores depend on the pool")
    alone = [reranker.score(QUERY, [text])[0] for text in TEXTS]
    assert apart(alone, reranker.score(QUERY, TEXTS)) < 0.03


def test_texts_differ_in_their_scores_and_queries_change_them(reranker):
    scores = reranker.score(QUERY, TEXTS)
    assert len(set(scores)) > len(TEXTS) // 4
    assert list(reranker.score("server file", TEXTS)) != list(scores)


def test_any_iterable_of_texts_is_read(kind, reranker):
    if kind == OWN:
        pytest.skip("the protocol promises a sequence")
    assert len(reranker.score(QUERY, (text for text in TEXTS))) == len(TEXTS)


@pytest.mark.parametrize(
    ("query", "texts", "message"),
    [
        ("", TEXTS, "query is empty"),
        (None, TEXTS, "query is of type NoneType"),
        (QUERY, "one text", "a string"),
        (QUERY, {"text": "x"}, "a dict"),
        (QUERY, ["a", None], "text 2 of 2 is of type NoneType"),
    ],
)
def test_bad_input_is_refused(kind, reranker, query, texts, message):
    if kind == OWN:
        pytest.skip("the search checks the input of a reranker of the user's own")
    with pytest.raises(InvalidInput, match=message):
        reranker.score(query, texts)


def test_long_texts_are_reported_as_cut_by_a_reranker_with_a_window(kind, reranker):
    if kind in (OWN, "hosted", "torch"):
        pytest.skip("it does not report cuts")
    assert reranker.score(QUERY, ["cat", "green " * 3000]).truncated == [False, True]


def test_several_threads_may_call_it(reranker):
    scores = reranker.score(QUERY, TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for others in pool.map(lambda _: reranker.score(QUERY, TEXTS), range(8)):
            assert order(others)[0] == order(scores)[0]
            assert len(others) == len(scores)


def test_rank_is_the_order_of_the_scores(kind, reranker):
    documents = [{"text": text, "number": number} for number, text in enumerate(TEXTS)]
    own = rank(QUERY, documents, reranker) if kind == OWN else reranker.rank(QUERY, documents)
    assert [place.document["number"] for place in own] == [place.index for place in own]
    assert own[0].index == order(reranker.score(QUERY, TEXTS))[0]
    assert sorted(place.index for place in own) == list(range(len(TEXTS)))
    shorter = rank(QUERY, documents, reranker, top_k=2)
    assert [place.rank for place in shorter] == [1, 2]
    assert [place.index for place in shorter] == [place.index for place in own[:2]]


def test_a_short_query_is_not_skipped_and_a_reason_is_a_note(reranker):
    if not isinstance(reranker, SkipsQueries):
        pytest.skip("it skips no query")
    assert reranker.skip_reason("red cat") is None
    note = reranker.skip_reason("word " * 300)
    assert note is None or (isinstance(note, Note) and note.code == "rerank_skipped")


def test_a_hash_of_the_weights_is_the_same_at_every_call(reranker):
    if not isinstance(reranker, HasWeights):
        pytest.skip("it has no weights here")
    assert len(reranker.weights_hash()) == 16
    assert reranker.weights_hash() == reranker.weights_hash()


def test_progressive_scores_count_the_exits_left(reranker):
    if not isinstance(reranker, ScoresProgressively):
        pytest.skip("it has no early exits")
    for prior in ([0.0] * len(POOL), [float(place) for place in range(len(POOL))]):
        scores = reranker.score_progressively(QUERY, POOL, prior)
        assert len(scores) == len(scores.exits_left) == len(scores.truncated) == len(POOL)
        assert min(scores.exits_left) == 0
        assert max(scores.exits_left) > 0
    assert reranker.score_progressively(QUERY, [], []) == []


def test_a_search_takes_it(kind, reranker):
    pool = [Hit.of(place, text, 1 / place) for place, text in enumerate(POOL, start=1)]
    retriever = SimpleNamespace(retrieve=lambda query, k, where=None: pool[:k])
    ranking = Search(retriever, reranker).search(QUERY, top_k=len(POOL))
    assert ranking.status == "ok"
    assert sorted(hit.id for hit in ranking) == sorted(hit.id for hit in pool)
    assert ranking.scored + ranking.dropped == len(POOL)
    assert (ranking.dropped > 0) is kind.endswith("progressive")
    scored = [hit.score for hit in ranking if hit.rerank_score is not None]
    assert scored == sorted(scored, reverse=True)
