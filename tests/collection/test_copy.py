"""A copy of an index: from a folder to a server, back, and what an end in the middle leaves."""

from __future__ import annotations

import numpy as np
import pytest

import shortlist
from hashed import HASHED, add, documents, passages_in
from server_indexes import SERVERS
from shortlist import registry
from shortlist.collection import copy as copies
from shortlist.collection.ledger import Ledger
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import IndexMismatch, InvalidInput, NotAnIndex
from shortlist.search.gate import Gate
from shortlist.search.probability import Platt
from shortlist.search.stopping import StopRule


@pytest.fixture(params=["folder", *sorted(SERVERS)])
def target(request, monkeypatch, tmp_path):
    """The name of an index that does not exist yet. The current folder is that of the test."""
    monkeypatch.chdir(tmp_path)
    if request.param == "folder":
        yield str(tmp_path / "target")
        return
    with SERVERS[request.param](monkeypatch, tmp_path) as name:
        yield name


@pytest.fixture
def source(tmp_path):
    """A folder with files, documents, skipped content and fits."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for key, text in {"a": "the red cat sleeps", "b": "a blue dog barks"}.items():
        (folder / f"{key}.md").write_text(text)
    (folder / "c.jsonl").write_text('{"id": "c1", "text": "trees grow"}\nnot json\n')
    add([folder], tmp_path / "i")
    add(documents("m", "n"), tmp_path / "i")
    with shortlist.open(tmp_path / "i", config=shortlist.SearchConfig(rerank=False)) as index:
        index.searcher.fits.save_stop_rule(StopRule(8, 2, None, 2), {}, {})
        index.searcher.fits.save_calibration(Platt(1.0, 0.0), {}, {})
        index.searcher.fits.save_gate(Gate("cosine_margin", 0.1, 8), {}, {})
    return tmp_path / "i"


def described(name):
    return [source.to_dict() for source in registry.INDEXES.contents(name).sources]


def answers(name):
    with shortlist.open(name, config=shortlist.SearchConfig(rerank=False)) as index:
        hits = index.search("the red tree of a dog about m", top_k=5)
        return [(hit.id, pytest.approx(hit.score, abs=1e-5)) for hit in hits]


def test_a_copy_has_everything_and_encodes_nothing(source, target, tmp_path, monkeypatch):
    monkeypatch.setattr(HashedEncoder, "encode_passages", None)
    seen = []
    report = shortlist.copy_index(source, target, progress=lambda done, total: seen.append((done, total)))
    assert (report.sources, report.documents, report.passages, report.documents_unchanged) == (4, 5, 5, 0)
    assert (report.roots_differ, report.states_left) == (False, False)
    assert seen[-1] == (5, 5)
    assert described(target) == described(source)
    assert passages_in(target) == passages_in(source)
    assert answers(target) == answers(source)
    with registry.INDEXES.open(source) as old:
        ids, length = sorted(old.ledger.passage_ids()), old.index.average_length
        vectors = old.index.vectors(ids)
    with registry.INDEXES.open(target) as new:
        np.testing.assert_array_equal(new.index.vectors(ids), vectors)
        assert new.index.average_length == length
        for fit in ("stop-rule.json", "calibration.json", "gate.json"):
            assert new.place.files.read(fit) == (source / fit).read_text()


def test_add_continues_after_a_copy(source, target, tmp_path):
    shortlist.copy_index(source, target)
    (tmp_path / "docs" / "a.md").write_text("a green cat")
    report = add("docs", target)
    assert (report.sources_unchanged, report.documents_written) == (2, 1)
    assert [skipped.place for skipped in report.skipped] == ["line 2"]


def test_a_copy_goes_back_to_a_folder(source, target, tmp_path):
    shortlist.copy_index(source, target)
    back = tmp_path / "back"
    shortlist.copy_index(target, back)
    assert described(back) == described(source)
    assert passages_in(back) == passages_in(source)
    assert answers(back) == answers(source)


def test_a_second_copy_brings_the_target_up_to_date(source, target, tmp_path):
    shortlist.copy_index(source, target)
    (tmp_path / "docs" / "a.md").write_text("a green cat " * 300)
    add(["docs"], source)
    report = shortlist.copy_index(source, target)
    assert (report.documents, report.documents_unchanged) == (1, 4)
    assert passages_in(target) == passages_in(source)


class Ended(BaseException):
    pass


@pytest.mark.parametrize("place", range(8))
def test_an_end_in_the_middle_is_continued(source, target, monkeypatch, place):
    monkeypatch.setattr(copies, "PASSAGES_PER_COMMIT", 2)
    left = [place]

    def step(method):
        def counted(*given):
            left[0] -= 1
            if left[0] < 0:
                raise Ended
            return method(*given)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "settle", step(Ledger.settle))
        patch.setattr(Ledger, "record", step(Ledger.record))
        with pytest.raises(Ended):
            shortlist.copy_index(source, target)
    shortlist.copy_index(source, target)
    assert described(target) == described(source)
    assert passages_in(target) == passages_in(source)


def test_what_cannot_be_copied(source, target, tmp_path):
    with pytest.raises(InvalidInput, match="is the source and the target"):
        shortlist.copy_index(source, source)
    with pytest.raises(NotAnIndex, match="there is no index"):
        shortlist.copy_index(tmp_path / "nothing", target)
    add(documents("x"), target)
    with pytest.raises(InvalidInput, match=r"has 1 documents that .* lacks, such as 'x': copy to a new index"):
        shortlist.copy_index(source, target)
    add(documents("x"), tmp_path / "other", bi_encoder="hashed-64")
    with pytest.raises(IndexMismatch, match=r"was made with the bi-encoder hashed-64, and .* with hashed-32"):
        shortlist.copy_index(source, tmp_path / "other")
    assert passages_in(target) == [("x#0", "all about x")]


def test_half_written_documents_are_not_copied(source, target):
    with registry.INDEXES.open(source) as collection:
        collection.ledger.begin([collection.ledger.entry("m")])
    with pytest.raises(InvalidInput, match="has 1 half-written documents, such as 'm': run add again"):
        shortlist.copy_index(source, target)


def test_a_source_that_lost_passages_is_damaged(source, target):
    with registry.INDEXES.open(source) as collection:
        collection.index.delete(["m#0"])
    with pytest.raises(NotAnIndex, match="is damaged: it lacks passages"):
        shortlist.copy_index(source, target)


def test_another_root_is_reported(source, target, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    report = shortlist.copy_index(source, target)
    assert report.roots_differ == (":" in target)
    assert HASHED in registry.INDEXES.contents(target).bi_encoder
