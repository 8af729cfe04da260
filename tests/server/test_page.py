"""The page's files and headers, its facts about the server, and `/why`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from fakes import ListRetriever, WordReranker
from shortlist import Search, SearchConfig
from shortlist.config.search_config import PER_SEARCH
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import QueueFull
from shortlist.redaction import Names
from shortlist.search.explain import MAX_WORDS, explain
from shortlist.server.routes.page import FOLDER, HEADERS, PUBLIC
from shortlist.types import Passage, RerankerInfo


class PassagesById:
    """An index that only returns passages by id."""

    def __init__(self, **texts: str) -> None:
        self.passages = {key: Passage(key, text) for key, text in texts.items()}

    def get(self, ids):
        return [self.passages[key] for key in ids if key in self.passages]

    def __len__(self):
        return len(self.passages)


class FullScorer:
    name = "full"
    reranker = WordReranker()

    async def score(self, query, texts, *, max_tokens=None):
        raise QueueFull(3)


def test_the_page_has_a_strict_policy(client):
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_every_file_is_served_under_its_type(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}.get(
        path.rsplit(".", 1)[-1], "text/html"
    )
    assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fapp.py", "%2e%2e/app.py", "__init__.py", ""])
def test_nothing_else_is_served(client, name):
    assert client.get(f"/page/{name}").status_code == 404


def test_the_files_load_nothing_from_elsewhere_and_set_no_html():
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        outside = [url for url in re.findall(r"https?://[^\s\"')]+", text) if "www.w3.org" not in url]
        assert not outside, f"{path.name}: {outside}"
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "@import"):
            assert forbidden not in text, f"{path.name}: {forbidden}"
        assert len(text.splitlines()) <= 300
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\son\w+=|style=|<style|<script(?![^>]*src=)", page)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.js")), ids=lambda path: path.name)
def test_every_script_parses(path):
    result = subprocess.run(
        ["node", "--check", "--input-type=module", "-"], input=path.read_text(), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


OPTIONS_SCRIPT = """
import { readFileSync } from "node:fs";
const { values, defaults, sizes } = JSON.parse(readFileSync(0, "utf-8"));
const fields = new Map();
globalThis.document = { getElementById: (id) => {
  if (!fields.has(id)) fields.set(id, { value: "", checked: false, placeholder: "" });
  return fields.get(id);
} };
const { optionsForm } = await import("./options.js");
const form = optionsForm("option-");
form.showDefaults(defaults);
form.fill(values);
console.log(JSON.stringify([form.poolFields(sizes), form.exactFields(sizes)]));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize(
    ("values", "whole", "exact"),
    [
        ({}, {"pool_size": 100, "top_k": 100}, {"pool_size": 30, "top_k": 8}),
        ({"effort": "mid"}, {"effort": "mid", "top_k": 20}, {"effort": "mid", "top_k": 8}),
        ({"effort": "low"}, {"effort": "low", "top_k": 6}, {"effort": "low", "top_k": 6}),
        ({"effort": "low", "tail": "true"}, {"effort": "low", "top_k": 100}, {"effort": "low", "top_k": 8}),
        ({"effort": "high"}, {"effort": "high"}, {"effort": "high"}),
    ],
)
def test_a_search_with_an_effort_asks_for_an_answer_of_the_wanted_length(tmp_path, values, whole, exact):
    for name in ("options.js", "dom.js"):
        shutil.copy(FOLDER / name, tmp_path / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "run.js").write_text(OPTIONS_SCRIPT)
    defaults = {"pool_size": 50, "top_k": 5, "tail": False, "efforts": {"low": 6, "mid": 20}}
    given = {"values": values, "defaults": defaults, "sizes": {"pool": 30, "topK": 8, "largest": 100}}
    result = subprocess.run(
        ["node", "run.js"], input=json.dumps(given), capture_output=True, text=True, cwd=tmp_path, check=True
    )
    requests = [
        {name: request.get(name) for name in ("effort", "pool_size", "top_k")} for request in json.loads(result.stdout)
    ]
    empty = {"effort": None, "pool_size": None, "top_k": None}
    assert requests == [empty | whole, empty | exact]


def test_about_has_the_levels_of_effort(serve):
    levels = {"low": {"pool_size": 6, "measure": "nDCG@10"}, "mid": {"pool_size": 20}}
    searcher = Search(ListRetriever(["a"]), WordReranker(), SearchConfig(efforts=levels))
    assert serve(search=searcher).get("/page/about").json()["defaults"]["efforts"] == {"low": 6, "mid": 20}


def test_about_has_the_facts_of_the_server(serve):
    reranker = WordReranker()
    searcher = Search(ListRetriever(["a"]), reranker, SearchConfig(min_score=0.5, pool_size=20))
    facts = serve(search=searcher, labels={"tax?": {"p1": 1}}, index=PassagesById(p1="a")).get("/page/about").json()
    defaults = facts.pop("defaults")
    assert facts == {
        "index": True,
        "retriever": None,
        "passages": 1,
        "collections": [],
        "encoder": "hashed-8",
        "reranker": "words",
        "unit": "logit",
        "pointwise": True,
        "remote": False,
        "max_documents": 2048,
        "judged": ["tax?"],
    }
    assert set(defaults) == {*PER_SEARCH, "fusion", "efforts"}
    assert (defaults["pool_size"], defaults["top_k"], defaults["min_score"]) == (20, 5, 0.5)
    without = serve(search=None).get("/page/about").json()
    assert (without["index"], without["defaults"]) == (False, {})


def test_about_reports_a_reranker_that_is_not_pointwise(serve):
    reranker = WordReranker()
    reranker.pointwise = False
    assert serve(reranker).get("/page/about").json()["pointwise"] is False


def test_about_names_the_unit_of_scores_that_are_not_logits(serve):
    reranker = WordReranker()
    reranker.info = RerankerInfo("words", pointwise=True, unit="score")
    assert serve(reranker).get("/page/about").json()["unit"] == "score"


def test_about_names_no_folder_of_the_machine(serve):
    reranker, encoder = WordReranker(), HashedEncoder(8)
    reranker.name, encoder.name = "/home/someone/ce", "/home/someone/bi"
    facts = serve(reranker, encoder=encoder).get("/page/about").json()
    assert (facts["encoder"], facts["reranker"]) == ("bi", "ce")


def test_why_answers_what_explain_returns(serve):
    client = serve(index=PassagesById(p1="tax is due", p2="cats sleep"))
    by_id = client.post("/why", json={"query": "when is tax due", "id_a": "p1", "id_b": "p2"}).json()
    by_text = client.post("/why", json={"query": "when is tax due", "text_a": "tax is due", "text_b": "cats sleep"})
    expected = explain("when is tax due", "tax is due", "cats sleep", HashedEncoder(8), WordReranker())
    assert by_id == by_text.json()
    assert by_id["rerank_margin"] == expected.rerank_margin > 0
    assert [word["word"] for word in by_id["words"]] == ["when", "is", "tax", "due"]
    assert [word["rerank"] for word in by_id["words"]] == [word.rerank for word in expected.words]


def test_a_null_passage_of_why_counts_as_not_given(serve):
    client = serve(index=PassagesById(p1="tax is due", p2="cats sleep"))
    by_id = client.post("/why", json={"query": "tax", "id_a": "p1", "id_b": "p2", "text_a": None, "text_b": None})
    by_text = {"query": "tax", "text_a": "tax is due", "text_b": "cats sleep", "id_a": None, "id_b": None}
    assert by_id.status_code == 200
    assert client.post("/why", json=by_text).json() == by_id.json()
    assert client.post("/why", json={"query": "tax", "id_a": None, "text_b": None}).status_code == 422


def test_why_knows_the_ids_that_search_shows(serve):
    passages = {"/home/me/notes/a": "tax", "/home/me/notes/b": "cat"}
    client = serve(index=PassagesById(**passages), names=Names(("/home/me/notes",)))
    assert client.post("/why", json={"query": "tax", "id_a": "a", "id_b": "b"}).status_code == 200
    paths = ["/data/a.md", "/home/a.md"]
    client = serve(index=PassagesById(**dict(zip(paths, ("tax", "cat"), strict=True))), names=Names.of(paths))
    assert client.post("/why", json={"query": "tax", "id_a": "1/a.md", "id_b": "2/a.md"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "q"}, 422),
        ({"query": "q", "id_a": "p1"}, 422),
        ({"query": "q", "id_a": "p1", "text_b": "x"}, 422),
        ({"query": "q", "id_a": "p1", "id_b": "p2", "text_a": "x", "text_b": "y"}, 422),
        ({"query": "q", "id_a": "p1", "id_b": "lost"}, 404),
        ({"query": " ", "id_a": "p1", "id_b": "p2"}, 400),
        ({"query": "", "id_a": "p1", "id_b": "p2"}, 400),
        ({"query": "q", "text_a": " ", "text_b": "y"}, 400),
        ({"query": "q", "text_a": "", "text_b": "y"}, 400),
        ({"query": "q", "text_a": "x", "text_b": ""}, 400),
        ({"query": "w " * (MAX_WORDS + 1), "id_a": "p1", "id_b": "p2"}, 422),
        ({"query": "q", "ids": []}, 422),
    ],
)
def test_why_refuses_with_a_reason(serve, body, code):
    answer = serve(index=PassagesById(p1="a", p2="b")).post("/why", json=body)
    assert answer.status_code == code
    assert answer.json()["message"]


def test_why_reports_what_the_server_lacks(serve):
    body = {"query": "q", "id_a": "p1", "id_b": "p2"}
    assert serve(search=None).post("/why", json=body).status_code == 404
    assert serve(encoder=None).post("/why", json=body).status_code == 503
    assert serve(scorer=None).post("/why", json=body).status_code == 503


def test_why_waits_its_turn_in_the_queue(serve):
    answer = serve(scorer=FullScorer()).post("/why", json={"query": "q", "text_a": "a", "text_b": "b"})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "3"
