"""Contrasts, the input of a negation probe: one or two queries, and two passages of which each query must prefer one.

The forms:

- JSON lines with `q1`, `q2`, `doc1`, `doc2`, and maybe `kind` and `id`: the form of NevIR and of the packaged set.
- JSON lines with `query`, `doc_pos`, `doc_neg`: one query, which must prefer the first passage.
- ExcluIR: a folder with `corpus.json` (a list of texts) and `test_manual_final.json` (a list of objects with the query
  and two places in the corpus, the excluded passage first). The authors' notes name these fields `RQ_rewrite` and
  `corpus_sub_index`, and their scripts `ExcluQ` and `index`. Both are read.
- A BEIR folder: each relevant passage against each passage that is judged 0, which the query excludes.

Source:
    Weller et al., "NevIR: Negation in neural information retrieval", EACL 2024. Zhang et al., "ExcluIR: Exclusionary
    neural information retrieval", arXiv 2404.17288.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.beir import read_beir
from shortlist.evaluation.query_sets.files.rows import objects_of, text_of
from shortlist.text.validation import item_name
from shortlist.types import Passage

PACKAGED = Path(__file__).parent / "contrasts.jsonl"
EXCLUIR = "test_manual_final.json"

Nearest: TypeAlias = Callable[[Sequence[str], Sequence[int]], Sequence[int]]
"""Texts and places in them -> for each place, the place of the most similar other text."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """The first query must prefer the first passage. The second query, if there is one, must prefer the second."""

    id: str
    kind: str
    queries: tuple[str, ...]
    passages: tuple[str, str]

    @property
    def chance(self) -> float:
        """The share of right answers of a random guess: 0.5 for one query, 0.25 for two."""
        return 0.5 ** len(self.queries)


@dataclass(frozen=True, slots=True)
class Contrasts:
    """A set of contrasts. `note` is the assumption that was made to read it, or an empty string."""

    name: str
    pairs: tuple[Contrast, ...]
    note: str = ""


def read_contrasts(path: Path | None = None, *, nearest: Nearest | None = None) -> Contrasts:
    """Read the contrasts at `path`, or the packaged contrasts if `path` is None.

    A BEIR folder without a judgment of 0 names no excluded passage. `nearest` then selects the passage of the corpus
    that is most similar to the relevant one, and the note reports this.

    Raises:
        InvalidInput: There is no such path, the form is unknown, a row cannot be used, or there is no contrast.
    """
    if path is None:
        return _checked(Contrasts("packaged", tuple(_rows(PACKAGED))), PACKAGED)
    if path.is_dir():
        excluir = (path / "corpus.json").is_file() and (path / EXCLUIR).is_file()
        return _checked(_excluir(path / EXCLUIR) if excluir else _beir(path, nearest), path)
    if path.suffix.lower() == ".json":
        return _checked(_excluir(path), path)
    return _checked(Contrasts(path.stem, tuple(_rows(path))), path)


def _checked(contrasts: Contrasts, path: Path) -> Contrasts:
    if not contrasts.pairs:
        raise InvalidInput(f"{path} has no contrast pair: give JSON lines with q1, q2, doc1, doc2")
    for pair in contrasts.pairs:
        if not all(text.strip() for text in (*pair.queries, *pair.passages)):
            raise InvalidInput(f"{path}: a text of contrast {pair.id!r} is empty")
        if pair.passages[0] == pair.passages[1]:
            raise InvalidInput(f"{path}: the two passages of contrast {pair.id!r} are equal")
    return contrasts


def _rows(file: Path) -> list[Contrast]:
    return [_from_row(place, row, number) for number, (place, row) in enumerate(objects_of(file), start=1)]


def _from_row(place: str, row: Mapping[str, Any], number: int) -> Contrast:
    pair_id, kind = str(row.get("id", number)), str(row.get("kind", "all"))
    for queries, passages in ((("q1", "q2"), ("doc1", "doc2")), (("query",), ("doc_pos", "doc_neg"))):
        if all(isinstance(row.get(field), str) for field in (*queries, *passages)):
            return Contrast(pair_id, kind, tuple(row[name] for name in queries), (row[passages[0]], row[passages[1]]))
    raise InvalidInput(
        f"{place}: a contrast has q1, q2, doc1, doc2 as strings, or query, doc_pos, doc_neg; this row has {sorted(row)}"
    )


def _excluir(file: Path) -> Contrasts:
    corpus, rows = _list_of(file.with_name("corpus.json")), _list_of(file)
    pairs = []
    for number, row in enumerate(rows):
        query, places = _first_field(row, "ExcluQ", "RQ_rewrite"), _first_field(row, "index", "corpus_sub_index")
        if not isinstance(query, str) or not _two_places(places, len(corpus)):
            name = item_name("entry", number, len(rows))
            raise InvalidInput(
                f"{file}, {name}: an ExcluIR entry has ExcluQ (or RQ_rewrite), and index (or corpus_sub_index) "
                f"with two places in the {len(corpus)} texts of corpus.json, the excluded text first"
            )
        pairs.append(Contrast(str(number), "exclusion", (query,), (str(corpus[places[1]]), str(corpus[places[0]]))))
    return Contrasts("ExcluIR", tuple(pairs))


def _list_of(file: Path) -> list[Any]:
    try:
        value = json.loads(text_of(file))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{file} is not JSON: {error}") from error
    if not isinstance(value, list):
        raise InvalidInput(f"{file} is a JSON {type(value).__name__}, not a list, so it is not an ExcluIR file")
    return value


def _first_field(row: object, *names: str) -> Any:
    return next((row[name] for name in names if name in row), None) if isinstance(row, dict) else None


def _two_places(places: object, texts: int) -> bool:
    return (
        isinstance(places, list)
        and len(places) == 2
        and all(isinstance(place, int) and 0 <= place < texts for place in places)
    )


def _beir(folder: Path, nearest: Nearest | None) -> Contrasts:
    query_set = read_beir(folder)
    ids, texts = _corpus(folder / "corpus.jsonl")
    places = {key: place for place, key in enumerate(ids)}
    missing = [key for grades in query_set.qrels.values() for key in grades if key not in places]
    if missing:
        raise InvalidInput(f"{folder}: corpus.jsonl lacks {len(missing)} judged ids, such as {missing[0]!r}")
    triples, note = _judged_pairs(query_set.qrels), ""
    if not triples and nearest is not None:
        relevant = [
            (query, key) for query, grades in query_set.qrels.items() for key, grade in grades.items() if grade > 0
        ]
        others = nearest(texts, [places[key] for _, key in relevant])
        triples = [(query, key, ids[other]) for (query, key), other in zip(relevant, others, strict=True)]
        note = "no passage is judged 0, so the passage most similar to the relevant passage counts as excluded"
    pairs = tuple(
        Contrast(
            f"{query} {relevant_id} {excluded_id}",
            "exclusion",
            (query_set.queries[query],),
            (texts[places[relevant_id]], texts[places[excluded_id]]),
        )
        for query, relevant_id, excluded_id in triples
        if texts[places[relevant_id]] != texts[places[excluded_id]]
    )
    return Contrasts(query_set.name, pairs, note)


def _judged_pairs(qrels: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str, str]]:
    """Query id, relevant id, excluded id."""
    return [
        (query, relevant_id, excluded_id)
        for query, grades in qrels.items()
        for relevant_id, relevant_grade in grades.items()
        for excluded_id, excluded_grade in grades.items()
        if relevant_grade > 0 >= excluded_grade
    ]


def _corpus(file: Path) -> tuple[list[str], list[str]]:
    ids, texts = [], []
    for place, record in objects_of(file):
        key, text, title = record.get("_id"), record.get("text"), record.get("title") or ""
        if not isinstance(key, str) or not isinstance(text, str) or not isinstance(title, str):
            raise InvalidInput(f'{place}: a passage needs "_id" and "text" as strings')
        ids.append(key)
        texts.append(Passage(key, text, title=title).content)
    return ids, texts
