"""The Python of the README and of docs/retrievers.md about stores, and the example, run over real stores."""

from __future__ import annotations

import re
import shlex
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

import real_postgres
import shortlist as sl
from server_makers import SERVER_MAKERS
from shortlist.stores.kinds import KINDS
from shortlist.types import Passage
from store_makers import MAKERS
from test_readme import PAGES, python_of, write_documents

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "retrievers.md"
STORE = "chroma:notes@./chroma"


@pytest.fixture
def chroma(tmp_path, monkeypatch) -> None:
    """Enter a folder with a query set, and with the answers in a collection of Chroma."""
    chromadb = pytest.importorskip("chromadb")
    write_documents(tmp_path)
    monkeypatch.chdir(tmp_path)
    files = sorted(Path("docs").glob("*.md"))
    texts = [file.read_text(encoding="utf-8") for file in files]
    client = chromadb.PersistentClient("chroma")
    client.create_collection("notes").add(
        ids=[file.stem for file in files], documents=texts, embeddings=sl.load_encoder().encode_passages(texts)
    )


def blocks(page: Path) -> list[str]:
    """Return the blocks of a page that name the collection."""
    return [block for block in python_of(page) if STORE in block]


def test_the_pages_that_name_a_collection_are_known():
    assert [page.name for page in PAGES if blocks(page)] == ["README.md", "retrievers.md"]
    assert len(blocks(PAGE)) == 2


@pytest.mark.slow
def test_the_blocks_about_a_collection_run(chroma):
    """All of them run in one folder, because Chroma has one client for a relative path in a process."""
    for block in (block for page in PAGES for block in blocks(page)):
        names: dict[str, object] = {}
        exec(compile(block, "a page", "exec"), names)
        found = names.get("ranking") or names["search"].search("how do I get my money back")
        assert found[0].id == "refunds"


LOCAL = {
    "chroma": "chroma, cosine",
    "qdrant": "qdrant, folder",
    "lancedb": "lancedb",
    "sqlite": "sqlite, vec0 by cosine",
    "faiss": "faiss, inner product",
    "postgres": "postgres, hnsw and tsvector",
    "milvus": "milvus, cosine and bm25",
}
"""The kinds whose stores run here -> the maker that fills one."""
NOTES = [
    Passage("cats", "Cats sleep most of the day.", "cats"),
    Passage("office", "The office opens at nine.", "office"),
    Passage("tax", "Income tax is due in April.", "tax"),
]


def command(kind: str) -> list[str]:
    """Return the words of the page's first search in a store of this kind."""
    text = PAGE.read_text(encoding="utf-8")
    return shlex.split(re.search(rf"^\$ shortlist (search .*--retriever {kind}:.*)$", text, re.MULTILINE).group(1))


def test_every_kind_has_a_command_in_the_page():
    assert all(command(kind) for kind in KINDS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", LOCAL)
def test_the_command_of_the_page_finds_the_answer(kind, tmp_path, monkeypatch):
    from shortlist.cli.app import app

    maker = {**MAKERS, **SERVER_MAKERS}[LOCAL[kind]]
    for package in maker.packages:
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "store").mkdir()
    with closing(
        maker.make(tmp_path / "store", NOTES, sl.load_encoder().encode_passages([note.text for note in NOTES]))
    ) as store:
        name = store.name
    if kind == "postgres":  # the name of a store has no query, and the socket is in the query
        name = f"{name.partition('@')[0]}@{real_postgres.postgres_url()}"
    words = command(kind)
    words[words.index("--retriever") + 1] = name
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, words)
    assert result.exit_code == 0, result.output
    found = [line for line in result.output.splitlines() if any(note.text in line for note in NOTES)]
    assert NOTES[2].text in found[0]
