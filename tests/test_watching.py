"""`shortlist.watch`: an index that follows folders."""

import shutil
from threading import Event

import pytest

import shortlist
from hashed import passages_in
from shortlist.collection import IngestReport
from shortlist.documents import Skipped
from shortlist.errors import IndexLocked, InvalidInput, MissingExtra
from shortlist.types import Note
from shortlist.watching import Changes, changed_sources, reports_of

HASHED = shortlist.SearchConfig(bi_encoder="hashed-32")
NONE = Changes(frozenset(), frozenset())


def written(*paths):
    return Changes(frozenset(map(str, paths)), frozenset())


class Adds:
    """Records the calls, and raises IndexLocked for those whose numbers are in `locked`."""

    def __init__(self, locked=()):
        self.calls, self.locked, self.number = [], locked, 0

    def __call__(self, paths, prune):
        self.number += 1
        if self.number in self.locked:
            raise IndexLocked("open elsewhere")
        self.calls.append(([path.name for path in paths], prune))
        return IngestReport()


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.md").write_text(f"text of {name}")
    return folder.resolve()


def test_the_first_add_is_of_all_folders_and_later_ones_of_what_changed(docs):
    adds = Adds()
    changes = [NONE, NONE, written(docs / "a.md"), written(docs / "a.tmp"), NONE]
    assert len(list(reports_of(changes, [docs], adds))) == 2
    assert adds.calls == [(["docs"], True), (["a.md"], False)]


def test_a_deleted_file_prunes(docs):
    adds = Adds()
    list(reports_of([NONE, Changes(frozenset(), frozenset({str(docs / "a.md")}))], [docs], adds))
    assert adds.calls[1] == (["docs"], True)


def test_changes_wait_until_the_index_is_free_and_the_caller_hears_once(docs):
    adds, heard = Adds(locked=(1, 2, 4, 5)), []
    changes = [NONE, NONE, NONE, written(docs / "a.md"), written(docs / "b.md"), NONE, NONE]
    assert len(list(reports_of(changes, [docs], adds, heard.append))) == 2
    assert adds.calls == [(["docs"], True), (["a.md", "b.md"], False)]
    assert len(heard) == 2


def test_a_folder_that_moves_in_is_read_and_a_beir_folder_is_one_source(docs):
    (docs / "new").mkdir()
    (docs / "new" / "c.md").write_text("text of c")
    beir = docs / "beir"
    (beir / "qrels").mkdir(parents=True)
    (beir / "corpus.jsonl").write_text('{"_id": "1", "text": "one"}\n')
    assert changed_sources([docs], frozenset({str(docs / "new")})) == [docs / "new" / "c.md"]
    assert changed_sources([docs], frozenset({str(beir / "corpus.jsonl")})) == [beir]
    assert changed_sources([docs], frozenset()) == []
    assert changed_sources([docs], frozenset({str(docs / "new")}), ["new/"]) == []


@pytest.mark.parametrize(
    ("paths", "options", "message"),
    [
        ([], {}, "at least one"),
        (["a.md"], {}, "is a file: give its folder"),
        (["no"], {}, "does not exist"),
        (["."], {"pause": 0.0}, "pause is 0"),
        (["."], {"pause": float("nan")}, "pause is nan"),
        (["."], {"pause": float("inf")}, "pause is inf"),
    ],
)
def test_bad_input_is_an_error_at_the_call(docs, tmp_path, paths, options, message):
    with pytest.raises(InvalidInput, match=message):
        shortlist.watch([docs / path for path in paths], tmp_path / "index", **options)
    assert not (tmp_path / "index").exists()


def test_without_the_package_the_error_names_the_extra(docs, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "watchfiles", None)
    with pytest.raises(MissingExtra, match=r"shortlist\[watch\]"):
        shortlist.watch(docs, tmp_path / "index")


def test_real_changes_arrive_once_and_the_index_is_free_between_them(docs):
    pytest.importorskip("watchfiles")
    index, stop = docs / "index", Event()
    reports = shortlist.watch(docs, index, config=HASHED, pause=0.05, stop=stop)
    assert next(reports).documents_written == 2
    assert [text for _, text in passages_in(index)] == ["text of a", "text of b"]

    for number in range(300):
        (docs / f"{number}.txt").write_text(f"note {number}")
    seen = 0
    while seen < 300:
        report = next(reports)
        assert not report.passages_removed
        seen += report.documents_written
    assert len(passages_in(index)) == 302

    shutil.move(docs / "a.md", docs / "z.md")
    moved = written_documents = 0
    while not (moved and written_documents):
        report = next(reports)
        moved, written_documents = moved + report.sources_removed, written_documents + report.documents_written
    names = {key.partition("#")[0] for key, _ in passages_in(index)}
    assert (len(names), "a.md" in str(names), "z.md" in str(names)) == (302, False, True)
    stop.set()
    assert list(reports) == []


def test_a_folder_that_is_swapped_is_followed_and_a_missing_one_loses_nothing(docs):
    pytest.importorskip("watchfiles")
    index, stop = docs.parent / "index", Event()
    reports = shortlist.watch(docs, index, config=HASHED, pause=0.05, stop=stop)
    assert next(reports).documents_written == 2

    shutil.copytree(docs, docs.parent / "copy")
    shutil.rmtree(docs)
    (docs.parent / "copy").rename(docs)
    (docs / "c.md").write_text("text of c")
    written = 0
    while not written:
        written += next(reports).documents_written
    (docs / "d.md").write_text("text of d")
    while written < 2:
        written += next(reports).documents_written
    assert [text for _, text in passages_in(index)] == [f"text of {name}" for name in "abcd"]
    stop.set()
    assert list(reports) == []


def test_nothing_is_read_while_a_folder_is_missing(docs):
    adds = Adds()
    changes = iter([NONE, written(docs / "a.md"), NONE, NONE])

    def with_a_gap():
        yield next(changes)
        docs.rename(docs.parent / "away")
        yield next(changes)
        (docs.parent / "away").rename(docs)
        yield from changes

    list(reports_of(with_a_gap(), [docs], adds))
    assert adds.calls == [(["docs"], True), (["a.md"], False)]


def test_what_was_not_read_is_reported_once_and_again_after_a_change(docs):
    gone = Changes(frozenset(), frozenset({str(docs / "x.md")}))
    (docs / "c.md").write_text("text of c")
    broken = [Skipped("docs/a.md", "", Note("empty")), Skipped(str(docs / "p.png"), "", Note("not_regular"))]
    new = Skipped("docs/c.md", "", Note("not_text"))
    given = [broken, broken, [broken[0]], [*broken, new], broken, [*broken, new]]
    changes = [NONE, gone, written(docs / "a.md"), gone, gone, gone]
    reports = iter(given)
    seen = reports_of(changes, [docs], lambda paths, prune: IngestReport(skipped=list(next(reports))))
    assert [[item.path for item in report.skipped] for report in seen] == [
        ["docs/a.md", str(docs / "p.png")],
        [],
        ["docs/a.md"],
        ["docs/c.md"],
        [],
        ["docs/c.md"],
    ]
