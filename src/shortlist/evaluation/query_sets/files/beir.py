"""BEIR folders: `queries.jsonl`, `qrels/SPLIT.tsv`, and maybe `corpus.jsonl`.

Source:
    Thakur et al., "BEIR: A heterogenous benchmark for zero-shot evaluation of information retrieval models",
    NeurIPS 2021 datasets track.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from shortlist.atomic_io import make_folder, write_whole
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.rows import (
    RESOLVE,
    Encodings,
    check_plain,
    grade_of,
    judge,
    lines_of,
    objects_of,
)
from shortlist.evaluation.query_sets.query_set import QuerySet, checked
from shortlist.types import Passage

HEADER = "query-id\tcorpus-id\tscore"


def read_beir(folder: Path, *, split: str = "test", encodings: Encodings | None = None) -> QuerySet:
    """Read the judged queries of one split. The corpus is not read: the index holds it.

    Raises:
        InvalidInput: A file is missing, a row cannot be used, or nothing can be measured with the set.
    """
    file = folder / "qrels" / f"{split}.tsv"
    if not file.is_file():
        splits = sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))
        raise InvalidInput(
            f"{folder} has no qrels/{split}.tsv"
            + (f"; its splits are {', '.join(splits)}" if splits else ", so it is not a BEIR folder")
        )
    texts: dict[str, str] = {}
    for place, record in objects_of(folder / "queries.jsonl", encodings):
        key, text = record.get("_id"), record.get("text")
        if not isinstance(key, str) or not key or not isinstance(text, str):
            raise InvalidInput(f'{place}: a query needs "_id" and "text" as strings')
        if key in texts:
            raise InvalidInput(f"{place}: query {key!r} occurs twice")
        texts[key] = text
    qrels = _qrels(file, encodings)
    queries = {key: texts[key] for key in qrels if key in texts}
    return checked(QuerySet(folder.name, queries, qrels, unjudged=len(texts) - len(queries)))


def _qrels(file: Path, encodings: Encodings | None) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, (place, line) in enumerate(lines_of(file, encodings)):
        cells = line.split("\t")
        if len(cells) != 3:
            raise InvalidInput(f"{place} has {len(cells)} cells between tabs; a judgment has 3: {HEADER!r}")
        if number == 0 and cells[2].strip() == "score":
            continue
        judge(qrels, cells[0].strip(), cells[1].strip(), grade_of(cells[2].strip(), place), place)
    return qrels


def write_beir(
    query_set: QuerySet, folder: Path, *, split: str = "test", passages: Iterable[Passage] | None = None
) -> None:
    """Write the set as a BEIR folder, and `corpus.jsonl` if passages are given.

    Raises:
        InvalidInput: A file cannot be written, or the set is judged by snippets, which BEIR cannot represent. Resolve
            the set first. Or the set has rerank queries.
    """
    check_plain(query_set, "a BEIR folder")
    if query_set.snippets:
        raise InvalidInput(f"{query_set.name} is judged by text snippets, which a BEIR folder cannot hold: {RESOLVE}")
    make_folder(folder / "qrels")
    _write(folder / "queries.jsonl", ({"_id": key, "text": text} for key, text in query_set.queries.items()))
    rows = [f"{query}\t{key}\t{grade}" for query, grades in query_set.qrels.items() for key, grade in grades.items()]
    write_whole(folder / "qrels" / f"{split}.tsv", "\n".join([HEADER, *rows, ""]))
    if passages is not None:
        _write(folder / "corpus.jsonl", ({"_id": p.id, "title": p.title, "text": p.text} for p in passages))


def _write(file: Path, records: Iterable[dict[str, str]]) -> None:
    write_whole(file, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
