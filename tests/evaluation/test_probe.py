from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakes import WordReranker
from shortlist import registry
from shortlist.cli.app import app
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.statistics import proportion
from shortlist.evaluation.probe import answer, nearest_others, probe
from shortlist.evaluation.query_sets.files.contrasts import Contrast, Contrasts, read_contrasts

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "training"))

import contrast  # noqa: E402

FRAMES = ROOT / "training" / "data" / "frames"


class DeafReranker(WordReranker):
    """Ignores the word "not"."""

    name = "deaf"

    def score(self, query, texts):
        return super().score(query.replace("not ", ""), [text.replace("not ", "") for text in texts])


def contrasts(*rows):
    return Contrasts("made up", tuple(Contrast(str(n), k, q, p) for n, (k, q, p) in enumerate(rows)))


PAIRS = contrasts(
    ("negation", ("some rain", "not rain"), ("some rain", "not rain")),
    ("negation", ("not red", "red"), ("paint: not red", "paint: red paint")),
    ("exclusion", ("tea without milk",), ("tea without", "milk milk milk")),
)


def test_a_stage_is_right_only_where_every_query_prefers_its_own_passage():
    assert answer([[2.0, 1.0], [1.0, 2.0]]) == "right"
    assert answer([[2.0, 1.0], [2.0, 1.0]]) == "one passage for both"
    assert answer([[1.0, 2.0], [2.0, 1.0]]) == "the wrong way round"
    assert answer([[1.0, 1.0], [1.0, 2.0]]) == "one passage for both"
    assert answer([[1.0, 2.0]]) == "the wrong way round"
    assert answer([[2.0, 1.0]]) == "right"


def test_both_stages_are_counted_by_kind_with_chance():
    reports = []
    result = probe(PAIRS, HashedEncoder(512), DeafReranker(), lambda done, total: reports.append((done, total)))
    assert result.kinds == ("negation", "exclusion")
    assert result.chance == pytest.approx((0.25 + 0.25 + 0.5) / 3)
    assert result.pairs[2].rerank == "right"
    assert result.accuracy("rerank", "exclusion").mean == 1
    assert Counter(result.answers("rerank", "negation"))["right"] == 0
    assert result.accuracy("rerank").mean == pytest.approx(1 / 3)
    assert reports == [(1, 3), (2, 3), (3, 3)]
    heard = probe(PAIRS, HashedEncoder(512), WordReranker())
    assert heard.answers("rerank")[0] == "right"


def test_stage_one_is_the_cosine():
    encoder = HashedEncoder(512)
    probed = probe(PAIRS, encoder, WordReranker())
    for pair, result in zip(PAIRS.pairs, probed.pairs, strict=True):
        cosines = encoder.encode_queries(pair.queries) @ encoder.encode_passages(pair.passages).T
        assert result.retrieval == answer(cosines.tolist())


def test_the_interval_holds_at_the_ends():
    none, all_of_them = proportion(0, 18), proportion(18, 18)
    assert (none.low, round(none.high, 3)) == (0.0, 0.176)
    assert (round(all_of_them.low, 3), all_of_them.high) == (0.824, 1.0)
    assert proportion(5, 10).low == pytest.approx(0.2366, abs=1e-4)
    with pytest.raises(InvalidInput):
        proportion(0, 0)


def written(folder, name, rows):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_nevir_and_query_with_two_passages_are_read(tmp_path):
    row = {"id": "7-1", "WorkerId": 3, "q1": "a", "q2": "b", "doc1": "one", "doc2": "two"}
    read = read_contrasts(written(tmp_path, "nevir.jsonl", [row]))
    assert read.pairs == (Contrast("7-1", "all", ("a", "b"), ("one", "two")),)
    row = {"query": "a but not b", "doc_pos": "a", "doc_neg": "b"}
    (pair,) = read_contrasts(written(tmp_path, "x.jsonl", [row])).pairs
    assert (pair.queries, pair.passages, pair.chance) == (("a but not b",), ("a", "b"), 0.5)


@pytest.mark.parametrize("names", [("ExcluQ", "index"), ("RQ_rewrite", "corpus_sub_index")])
def test_excluir_is_read_with_the_excluded_passage_first(tmp_path, names):
    (tmp_path / "corpus.json").write_text(json.dumps(["zero", "excluded", "wanted"]))
    entries = [{"question0": "q", names[0]: "x, but not y", names[1]: [1, 2]}]
    (tmp_path / "test_manual_final.json").write_text(json.dumps(entries))
    for path in (tmp_path, tmp_path / "test_manual_final.json"):
        assert read_contrasts(path).pairs[0].passages == ("wanted", "excluded")
    entries[0][names[1]] = [1, 3]
    (tmp_path / "test_manual_final.json").write_text(json.dumps(entries))
    with pytest.raises(InvalidInput, match="entry 1 of 1: an ExcluIR entry has"):
        read_contrasts(tmp_path)


def beir(folder, judgments):
    texts = {"p1": "cat with a hat", "p2": "cat with a bat", "p3": "stone", "p4": "cat with a hat"}
    written(folder, "corpus.jsonl", [{"_id": key, "title": "", "text": text} for key, text in texts.items()])
    written(folder, "queries.jsonl", [{"_id": "q1", "text": "cat, no bat"}, {"_id": "q2", "text": "stone"}])
    (folder / "qrels").mkdir()
    lines = ["query-id\tcorpus-id\tscore", *judgments, "q2\tp3\t1"]
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_beir_folder_sets_relevant_against_what_is_judged_zero(tmp_path):
    read = read_contrasts(beir(tmp_path, ["q1\tp1\t2", "q1\tp2\t0", "q1\tp3\t0"]))
    assert [pair.passages for pair in read.pairs] == [("cat with a hat", "cat with a bat"), ("cat with a hat", "stone")]
    assert read.note == ""


def test_without_zeros_the_most_similar_other_passage_stands_for_the_excluded_one(tmp_path):
    folder = beir(tmp_path, ["q1\tp1\t1"])
    read = read_contrasts(folder, nearest=nearest_others(HashedEncoder(512)))
    assert read.pairs[0].passages == ("cat with a hat", "cat with a bat")
    assert "no passage is judged 0" in read.note
    with pytest.raises(InvalidInput, match="has no contrast pair"):
        read_contrasts(folder)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"q1": "a", "q2": "b", "doc1": "x"}, "line 1: a contrast has q1, q2"),
        ({"q1": "a", "q2": " ", "doc1": "x", "doc2": "y"}, "is empty"),
        ({"q1": "a", "q2": "b", "doc1": "x", "doc2": "x"}, "are equal"),
        ({"q1": "a", "q2": 2, "doc1": "x", "doc2": "y"}, "line 1: a contrast has q1, q2"),
    ],
)
def test_rows_that_can_not_be_used_are_named(tmp_path, row, message):
    with pytest.raises(InvalidInput, match=message):
        read_contrasts(written(tmp_path, "bad.jsonl", [row]))


def test_other_wrong_paths_are_named(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_contrasts(tmp_path / "missing.jsonl")
    with pytest.raises(InvalidInput, match="not a BEIR folder"):
        read_contrasts(tmp_path)
    with pytest.raises(InvalidInput, match="has no contrast pair"):
        read_contrasts(written(tmp_path, "empty.jsonl", []))
    (tmp_path / "corpus.json").write_text("{}")
    (tmp_path / "test_manual_final.json").write_text("[")
    with pytest.raises(InvalidInput, match="not a list"):
        read_contrasts(tmp_path)


def test_the_command_prints_chance_both_stages_and_kinds(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "load_encoder", lambda name, **_: HashedEncoder(512))
    monkeypatch.setattr(registry, "load_reranker", lambda name, **_: WordReranker())
    shown = CliRunner().invoke(app, ["probe", "negation"]).output
    for part in ("chance 25.0%", "quantity", "72", "reranker minus bi-encoder", "one passage for both"):
        assert part in " ".join(shown.split())
    result = json.loads(CliRunner().invoke(app, ["probe", "negation", "--json"]).output)
    assert (result["pairs"], result["chance"], len(result["results"])) == (72, 0.25, 72)
    assert set(result["kinds"]) == {"negation", "exclusion", "antonym", "quantity"}


# The pairs in the box: a test set, so none of them may be near what models are trained on.


def normal(text):
    return " ".join(re.findall(r"\w+", text.lower()))


def shipped():
    return [text for pair in read_contrasts().pairs for text in (*pair.queries, *pair.passages)]


def test_the_pairs_in_the_box_are_varied():
    pairs = read_contrasts().pairs
    assert len(pairs) >= 60
    assert min(Counter(pair.kind for pair in pairs).values()) >= 15
    assert len({pair.id for pair in pairs}) == len(pairs)
    queries = [query for pair in pairs for query in pair.queries]
    assert len(set(queries)) == len(queries)


def test_no_shipped_text_is_or_resembles_a_training_text():
    cards = contrast.cards(FRAMES, 20261124)
    trained = {normal(card[part]) for card in cards for part in ("a", "b", "query_a", "query_b")}
    assert not trained & {normal(text) for text in shipped()}
    frames = [
        set(normal(re.sub(r"\{+(\w+)\}+", " ", text)).split())
        for row in contrast.read_frames(FRAMES)
        for text in row[1:]
    ]
    for text in shipped():
        words = set(normal(text).split())
        nearest = max(frames, key=lambda frame: len(words & frame) / len(words | frame))
        assert len(words & nearest) / len(words | nearest) < 0.5, (text, nearest)


def test_no_shipped_text_is_an_evaluation_text(test_sets):
    ours, seen = {normal(text) for text in shipped()}, 0
    files = [*test_sets.glob("*/queries.jsonl"), *test_sets.glob("*/corpus.jsonl")]
    for file in [*files, *(test_sets.parent / "negation").rglob("*.jsonl")]:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                seen += 1
                assert not ours & {normal(text) for text in json.loads(line).values() if isinstance(text, str)}
    assert seen > 10_000
