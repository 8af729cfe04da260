"""The Python of the README and of every page in docs/ runs, in order, in a folder with an index."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import shortlist as sl
from fake_store import FakeBackend
from shortlist.stores.open_store import OpenStore
from standin_vendor import cohere, standin_vendor

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SUBJECTS = (
    "apples", "bridges", "candles", "deserts", "engines", "flutes", "glaciers", "harbours", "islands", "jackets",
    "kettles", "lanterns", "mirrors", "needles", "orchards", "pianos", "quarries", "rivers", "saddles", "tunnels",
)  # fmt: skip


def python_of(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def curl_of(page: Path) -> list[tuple[str, str]]:
    """Return the path and the body of each curl command."""
    return re.findall(r"curl localhost:8800(\S+) -d '(.*?)'", page.read_text(encoding="utf-8"), re.DOTALL)


WITH_PYTHON = [page for page in PAGES if python_of(page)]


def write_documents(folder: Path) -> None:
    """Write a small corpus and a query set with one answer for each query."""
    docs = folder / "docs"
    docs.mkdir()
    (docs / "refunds.md").write_text("# Refunds\n\nYou get your money back within 14 days.", encoding="utf-8")
    (docs / "tax.md").write_text("# Tax\n\nIncome tax is due in April.", encoding="utf-8")
    lines = ["query,snippet", "how do I get my money back,money back within 14 days", "when is tax due,due in April"]
    for place, subject in enumerate(SUBJECTS):
        (docs / f"{subject}.md").write_text(f"# {subject}\n\nThe {subject} are kept in room {place}.", encoding="utf-8")
        lines.append(f"where are the {subject},are kept in room {place}")
    (folder / "queries.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    write_documents(folder)
    with sl.open(folder / "my-index", create=True) as index:
        index.add(folder / "docs")
    return folder


@pytest.fixture
def workplace(prepared, tmp_path, monkeypatch) -> Path:
    """Enter a folder of its own with the documents, the query set and the index."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(page: Path) -> dict[str, object]:
    """Run the blocks of the page in one namespace, and return the namespace."""
    names: dict[str, object] = {}
    for block in python_of(page):
        exec(compile(block, page.name, "exec"), names)
    return names


def test_pages_with_python_are_known():
    """A page that loses its Python must also leave this list."""
    assert {page.stem for page in WITH_PYTHON} == {
        "README", "adapt", "calibration", "hosted", "indexing", "measuring", "python", "retrievers", "scaling",
        "serving", "settings", "tuning",
    }  # fmt: skip


@pytest.fixture
def chroma(prepared, monkeypatch):
    """Put a store with the passages of the index in the place of Chroma. tests/clients runs the page with Chroma."""
    with sl.open(prepared / "my-index") as index:
        passages = list(index.passages())
    vectors = sl.load_encoder().encode_passages([passage.content for passage in passages])
    store = OpenStore(FakeBackend(passages, vectors, words=False))
    monkeypatch.setattr("shortlist.foreign.load_store", lambda name, fields: store)


def test_the_readme_runs(workplace, chroma):
    names = run(ROOT / "README.md")
    assert names["ranking"][0].title == "Refunds"
    assert names["best"][0].document["id"] == 2
    assert names["report"].startswith("<!DOCTYPE html>")


def test_the_indexing_page_runs(workplace):
    names = run(ROOT / "docs" / "indexing.md")
    assert names["contents"].documents == len(SUBJECTS) + 4
    assert names["removed"] == 2


def test_the_settings_page_runs(workplace):
    ranking = run(ROOT / "docs" / "settings.md")["ranking"]
    assert (ranking.pool_size, len(ranking)) == (30, 3)


def test_the_python_page_runs(workplace):
    names = run(ROOT / "docs" / "python.md")
    assert names["best"][0].document["id"] == 2
    assert names["ranking"][0].id == "tax"
    assert [note.code for note in names["nothing"].notes] == ["filter_unknown_field"]


def test_the_measuring_page_runs(workplace):
    names = run(ROOT / "docs" / "measuring.md")
    assert names["evaluation"].failures["fine"] >= 20
    assert names["before"].estimate("reranked", "nDCG@10") == names["small"].estimate("reranked", "nDCG@10")
    assert (names["pair"].first, names["pair"].second) == ("pool 5", "pool 20")
    assert len((workplace / "small.run").read_text().splitlines()) >= 20


def test_the_tuning_page_runs(workplace):
    run(ROOT / "docs" / "tuning.md")


def test_the_adapt_page_runs(workplace):
    with (workplace / "queries.csv").open("a", encoding="utf-8") as out:
        out.writelines(f"in which room are the {subject},The {subject} are kept\n" for subject in SUBJECTS)
    adaptation = run(ROOT / "docs" / "adapt.md")["adaptation"]
    assert adaptation.learned > 15
    assert (workplace / "my-reranker").exists() == adaptation.better


def test_the_calibration_page_runs(workplace):
    ranking = run(ROOT / "docs" / "calibration.md")["ranking"]
    assert all(hit.probability >= 0.2 for hit in ranking)


def test_the_retrievers_page_compiles_and_its_function_retrieves():
    """The blocks need stores and frameworks, and run in tests/clients. The first block needs neither."""
    first, *others = python_of(ROOT / "docs" / "retrievers.md")
    names: dict[str, object] = {}
    exec(compile(first, "retrievers.md", "exec"), names)
    assert sl.Search(names["by_words"]).search("when is income tax due")[0].id == "tax"
    for block in others:
        compile(block, "retrievers.md", "exec")


def test_the_hosted_page_runs(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("CO_API_KEY", "a-key")
    with standin_vendor(cohere) as vendor:
        monkeypatch.setenv("CO_API_URL", vendor.url)
        best = run(ROOT / "docs" / "hosted.md")["best"]
    assert len(best) == 2


def test_the_serving_page_runs(workplace):
    testclient = pytest.importorskip("starlette.testclient")
    page = ROOT / "docs" / "serving.md"
    names = run(page)
    requests = curl_of(page)
    assert {path for path, _ in requests} == {
        "/v2/rerank", "/v1/rerank", "/rerank", "/voyage/v1/rerank", "/v1/embeddings", "/search", "/v1/score",
        "/predict", "/similarity", "/v2/embed", "/voyage/v1/embeddings", "/api/embed", "/tune-curve",
    }  # fmt: skip
    with testclient.TestClient(names["app"]) as client:
        for path, body in requests:
            assert client.post(path, content=json.dumps(json.loads(body))).status_code == 200, path
    names["index"].close()


def shape(text: str) -> str:
    """Return the text without numbers and spaces: scores, and ranks of equal notes, depend on the CPU."""
    return re.sub(r"[+-]?\d+(\.\d+)?|\s", "", text)


def test_the_story_of_the_readme_is_the_output_of_the_demo():
    from typer.testing import CliRunner

    from shortlist.cli.app import app

    page = (ROOT / "README.md").read_text(encoding="utf-8")
    story = re.search(r"```console\n\$ (?:\.venv/bin/)?shortlist demo\n(.*?)```", page, re.DOTALL).group(1)
    result = CliRunner(env={"COLUMNS": "100"}).invoke(app, ["demo"])
    assert result.exit_code == 0
    output = shape(result.output)
    lost = [line for line in story.splitlines() if line.strip() not in ("", "...") and shape(line) not in output]
    assert not lost


def test_the_picture_shows_the_moves_of_the_story():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    moves = re.findall(r"^ +(\d+) \* was +(\d+) \(\S+\) +logit \S+  (\w+):", page, re.MULTILINE)
    assert len(moves) == 3
    picture = (ROOT / "docs" / "search.svg").read_text(encoding="utf-8")
    assert [title for rank, before, title in moves if f"{title} from {before} to {rank}" not in picture] == []
