"""The passages of a corpus, by id: a file of texts, an index folder, or a store."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

from shortlist.bulk.texts import FORMS, Text, texts_in
from shortlist.collection import exists
from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.rows import Encodings
from shortlist.index import OpenIndex
from shortlist.opening import open_search
from shortlist.stores.kinds import is_store
from shortlist.types import Passage

AT_A_TIME = 512


def passages_of(corpus: str | Path, ids: Collection[str], config: SearchConfig, encodings: Encodings) -> dict[str, str]:
    """Return what models read of each of these passages, by id, without those that the corpus lacks.

    Args:
        corpus: A file of texts (see `texts.texts_in`), an index folder, or the name of a store. The ids of a file are
            those of its rows. The ids of an index are those of its passages.
        ids: The ids to look for.
        config: The names of the fields of a store.
        encodings: The encoding of a file that is not UTF-8: see `texts.texts_in`.

    Raises:
        InvalidInput: There is no such corpus, or its passages cannot be listed.
        FolderError: The index folder cannot be used.
        StoreError: The store does not answer, or refuses the request.
    """
    if isinstance(corpus, str) and is_store(corpus):
        return _chosen(_of_store(corpus, config), set(ids))
    path = Path(corpus)
    if exists(path):
        with open_search(config.override({"rerank": False}), path) as opened:
            assert isinstance(opened, OpenIndex)
            return _of_index(opened, ids)
    if not path.exists():
        raise InvalidInput(f"there is no corpus at {corpus}: give {FORMS}, an index folder, or a store")
    return _chosen(texts_in(path, encodings), set(ids))


def _of_index(opened: OpenIndex, ids: Collection[str]) -> dict[str, str]:
    contents: dict[str, str] = {}
    left = iter(ids)
    while block := list(islice(left, AT_A_TIME)):
        contents |= {passage.id: passage.content for passage in opened.find("", block).values()}
    return contents


def _of_store(name: str, config: SearchConfig) -> Iterator[Text]:
    with open_search(config.override({"retriever": name, "rerank": False})) as opened:
        passages: Iterator[Passage] | None = opened.passages()
        if passages is None:
            raise InvalidInput(f"{opened.name} cannot list its passages: give a file with their texts")
        for passage in passages:
            yield Text(passage.id, passage.content)


def _chosen(texts: Iterator[object], ids: set[str]) -> dict[str, str]:
    return {text.id: text.content for text in texts if isinstance(text, Text) and text.id in ids}
