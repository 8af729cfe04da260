from __future__ import annotations

import os
from pathlib import Path

import pytest

from shortlist.documents import PassedOver, Skipped, Source, discover, fingerprint
from shortlist.errors import InvalidInput
from shortlist.types import Note

HIDDEN = Note("hidden")


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")


def listed(folder: Path, sources: list[Source]) -> list[tuple[str, str]]:
    return [(source.path.relative_to(folder.resolve()).as_posix(), source.format) for source in sources]


def test_a_folder_is_walked_in_order(tmp_path):
    put(tmp_path, "b.txt", "a/z.md", "a/b.PDF", "c.htm", "d.docx", "e.jsonl", "f.tsv")
    sources, skipped = discover([tmp_path])
    assert listed(tmp_path, sources) == [
        ("a/b.PDF", "pdf"),
        ("a/z.md", "md"),
        ("b.txt", "txt"),
        ("c.htm", "html"),
        ("d.docx", "docx"),
        ("e.jsonl", "jsonl"),
        ("f.tsv", "csv"),
    ]
    assert skipped == []
    assert sources[0].name == (tmp_path.resolve() / "a/b.PDF").as_posix()


def test_no_paths_give_nothing():
    assert discover([]) == ([], [])


def test_a_missing_path_is_an_error(tmp_path):
    with pytest.raises(InvalidInput, match=r"nowhere\.txt"):
        discover([tmp_path / "nowhere.txt"])


def test_a_pattern_in_place_of_a_path_is_explained(tmp_path):
    with pytest.raises(InvalidInput, match="takes files and folders, not patterns") as caught:
        discover([tmp_path / "*.md"])
    assert f"glob.glob({str(tmp_path / '*.md')!r}), or those of Path.glob" in str(caught.value)
    with pytest.raises(InvalidInput, match=r"glob\.glob\('docs/\*\*/\*\.md', recursive=True\)"):
        discover([Path("docs/**/*.md")])
    put(tmp_path, "notes [old].md")
    assert listed(tmp_path, discover([tmp_path / "notes [old].md"])[0]) == [("notes [old].md", "md")]


def test_unknown_formats_are_reported(tmp_path):
    put(tmp_path, "a.xyz", "README", "b.txt")
    sources, skipped = discover([tmp_path])
    assert listed(tmp_path, sources) == [("b.txt", "txt")]
    assert [(Path(item.path).name, item.reason) for item in skipped] == [
        ("README", "unsupported format (no extension)"),
        ("a.xyz", "unsupported format .xyz"),
    ]


def test_hidden_things_are_passed_over_unless_named(tmp_path):
    put(
        tmp_path,
        ".git/a.txt",
        ".hidden.txt",
        "node_modules/a.md",
        "__pycache__/a.txt",
        ".venv/a.md",
        "a.txt",
        ".i/shortlist.json",
    )
    sources, skipped = discover([tmp_path])
    assert listed(tmp_path, sources) == [("a.txt", "txt")]
    names = [".git", ".hidden.txt", ".venv", "__pycache__", "node_modules"]
    assert skipped == [PassedOver((tmp_path.resolve() / name).as_posix(), "", HIDDEN) for name in names]
    named, _ = discover([tmp_path / ".hidden.txt", tmp_path / ".git"])
    assert listed(tmp_path, named) == [(".hidden.txt", "txt"), (".git/a.txt", "txt")]


def test_a_file_reached_twice_is_listed_once(tmp_path):
    put(tmp_path, "a/a.txt")
    os.symlink(tmp_path / "a/a.txt", tmp_path / "link.txt")
    sources, _ = discover([tmp_path / "a" / ".." / "a" / "a.txt", tmp_path, tmp_path / "a"])
    assert listed(tmp_path, sources) == [("a/a.txt", "txt")]


def test_loops_of_links_end(tmp_path):
    put(tmp_path, "a/a.txt")
    os.symlink(tmp_path, tmp_path / "a/up", target_is_directory=True)
    os.symlink(tmp_path / "self.txt", tmp_path / "self.txt")
    sources, skipped = discover([tmp_path])
    assert listed(tmp_path, sources) == [("a/a.txt", "txt")]
    assert [item.reason for item in skipped] == ["not a regular file (a broken link, a device or a pipe)"]


def test_a_link_that_is_skipped_is_named_by_its_own_path(tmp_path):
    put(tmp_path, "real/a.xyz")
    os.symlink(tmp_path / "gone.txt", tmp_path / "real" / "broken.txt")
    os.symlink(tmp_path / "real", tmp_path / "link")
    expected = [(tmp_path.resolve() / "real" / name).as_posix() for name in ("a.xyz", "broken.txt")]
    assert [item.path for item in discover([tmp_path / "link"])[1]] == expected


def test_a_pipe_is_reported_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    sources, skipped = discover([tmp_path])
    assert sources == []
    assert "not a regular file" in skipped[0].reason


@pytest.mark.parametrize("other", ["queries.jsonl", "qrels/test.tsv"])
def test_a_beir_folder_is_one_source(tmp_path, other):
    put(tmp_path, "set/corpus.jsonl", f"set/{other}", "z.txt")
    sources, skipped = discover([tmp_path])
    assert listed(tmp_path, sources) == [("set/corpus.jsonl", "beir"), ("z.txt", "txt")]
    assert skipped == []


def test_files_next_to_a_beir_corpus_are_passed_over_unless_named(tmp_path):
    put(tmp_path, "corpus.jsonl", "queries.jsonl", "qrels/test.tsv", "README.md", "sub/more.md", ".hidden.md")
    put(tmp_path, "index/shortlist.json")
    sources, skipped = discover([tmp_path])
    assert listed(tmp_path, sources) == [("corpus.jsonl", "beir")]
    assert [(Path(item.path).name, item.note, type(item)) for item in skipped] == [
        (".hidden.md", HIDDEN, PassedOver),
        ("README.md", Note("beside_beir"), PassedOver),
        ("sub", Note("beside_beir"), PassedOver),
    ]
    named, _ = discover([tmp_path / "README.md", tmp_path / "sub"])
    assert listed(tmp_path, named) == [("README.md", "md"), ("sub/more.md", "md")]


def test_a_corpus_alone_is_json_lines(tmp_path):
    put(tmp_path, "corpus.jsonl")
    assert listed(tmp_path, discover([tmp_path])[0]) == [("corpus.jsonl", "jsonl")]


def test_an_index_is_passed_over_and_reported_when_named(tmp_path):
    put(tmp_path, "index/shortlist.json", "index/a.txt", "a.txt")
    sources, skipped = discover([tmp_path])
    assert listed(tmp_path, sources) == [("a.txt", "txt")]
    assert skipped == []
    assert [item.reason for item in discover([tmp_path / "index"])[1]] == ["a shortlist index, not documents"]


def test_a_file_name_that_is_not_utf8_is_reported(tmp_path):
    with open(os.fsencode(tmp_path) + b"/caf\xe9.txt", "w") as file:
        file.write("text")
    sources, skipped = discover([tmp_path])
    assert sources == []
    assert skipped == [Skipped(f"{tmp_path.resolve().as_posix()}/caf?.txt", "", skipped[0].note)]
    assert "UTF-8" in skipped[0].reason


def test_a_folder_that_cannot_be_read_is_reported(tmp_path, monkeypatch):
    put(tmp_path, "closed/a.txt", "open.txt")
    usual = os.listdir

    def listdir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return usual(path)

    monkeypatch.setattr(os, "listdir", listdir)
    sources, skipped = discover([tmp_path])
    assert listed(tmp_path, sources) == [("open.txt", "txt")]
    assert [item.reason for item in skipped] == ["the folder cannot be read: Permission denied"]


def test_the_fingerprint_changes_with_the_bytes(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")
    [source] = discover([path])[0]
    first = fingerprint(source)
    assert len(first) == 32
    assert fingerprint(source) == first
    path.write_bytes(b"two")
    assert fingerprint(source) != first


def test_the_fingerprint_of_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        fingerprint(Source(tmp_path / "gone.txt", "txt"))


def test_patterns_leave_out_files_and_folders_and_name_them(tmp_path):
    put(tmp_path, "a.md", "drafts/b.md", "sub/drafts/c.md", "sub/old.txt", "sub/kept.txt", "top/d.md", "sub/top/e.md")
    sources, skipped = discover([tmp_path], ["drafts/", "*.txt", "!kept.txt", "/top"])
    assert listed(tmp_path, sources) == [("a.md", "md"), ("sub/kept.txt", "txt"), ("sub/top/e.md", "md")]
    assert [
        (Path(item.path).relative_to(tmp_path.resolve()).as_posix(), item.note, type(item)) for item in skipped
    ] == [
        ("drafts", Note("excluded", pattern="drafts/"), PassedOver),
        ("sub/drafts", Note("excluded", pattern="drafts/"), PassedOver),
        ("sub/old.txt", Note("excluded", pattern="*.txt"), PassedOver),
        ("top", Note("excluded", pattern="/top"), PassedOver),
    ]


def test_a_named_path_is_read_although_a_pattern_matches_it(tmp_path):
    put(tmp_path, "drafts/a.md", "b.md")
    sources, skipped = discover([tmp_path / "drafts", tmp_path / "b.md"], ["drafts/", "b.md"])
    assert listed(tmp_path, sources) == [("drafts/a.md", "md"), ("b.md", "md")]
    assert [item for item in skipped if item.path] == []


@pytest.mark.parametrize("pattern", ["", "/", "!", "# note", "[a", "a\\"])
def test_a_pattern_that_matches_no_path_is_an_error(tmp_path, pattern):
    with pytest.raises(InvalidInput, match="matches no path: give one as in"):
        discover([tmp_path], ["*.log", pattern])


def test_a_pattern_that_matches_nothing_is_named_if_a_folder_was_walked(tmp_path):
    put(tmp_path, "docs/drafts/a.md", "docs/b.log", "docs/old/b.log")
    patterns = ["docs/drafts/", "*.log", "old/*.log", "!kept.log"]
    _, skipped = discover([tmp_path / "docs"], patterns)
    assert [item.note for item in skipped if not item.path] == [Note("pattern_unused", pattern="docs/drafts/")]
    assert all(item.path for item in discover([tmp_path / "docs" / "b.log"], patterns)[1])
