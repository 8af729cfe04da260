"""The worker that reads, splits and encodes documents, and the function that gives it the jobs of an ingest."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from shortlist import registry
from shortlist.collection.versions import digest_of, over_window, settings_of
from shortlist.collection.worker_ingest import Job, Prepare, Prepared, PreparedDocument, lost_job
from shortlist.config import SearchConfig
from shortlist.config.search_config import RERANKER
from shortlist.documents import Skipped, Source, read
from shortlist.errors import InvalidInput
from shortlist.types import Document, Note, Passage
from shortlist.workers.base import Unit, Workers, in_order
from shortlist.workers.choose import choose_workers

UNIT = 100_000
"""The characters, or the bytes of files, of a unit. A larger job is a unit by itself."""
AHEAD = 64
"""The units that are started after the oldest one that is not committed."""


@dataclass(frozen=True, slots=True)
class Copied(Source):
    """A file whose content came from another machine. `original` is its name there."""

    original: str = ""

    @property
    def name(self) -> str:
        """The name of the file on the other machine."""
        return self.original


@dataclass(frozen=True, slots=True)
class Sent:
    """A job on its way to a worker. `content` has the bytes of the file if the worker cannot open it."""

    job: Job
    content: bytes | None = None


class DocumentPreparer:
    """Reads, splits and encodes the documents of a unit. The content of a unit alone decides its batches."""

    def __init__(self, bi_encoder: str, reranker: str, config: SearchConfig, threads: int) -> None:
        self._encoder = registry.load_encoder(
            bi_encoder, precision=config.precision, device=config.device, threads=threads, as_worker=True
        )
        self._splitter = registry.make_splitter(bi_encoder, reranker)
        self._settings = settings_of(self._splitter)

    def __call__(self, content: list[Sent]) -> list[Prepared]:
        """Return the result of each job."""
        split = [[self._split(item, sent.job) for item in _items(sent)] for sent in content]
        passages = [passage for items in split for item in items for passage in _passages(item)]
        vectors = np.zeros((0, self._encoder.dimension), dtype=np.float32)
        if passages:
            vectors = self._encoder.encode_passages([passage.content for passage in passages])
        rows = iter(vectors)
        return [
            Prepared(sent.job.source.name, [_with_vectors(item, rows, vectors[:0]) for item in items], sent.job.last)
            for sent, items in zip(content, split, strict=True)
        ]

    def _split(self, item: Document | Skipped, job: Job) -> PreparedDocument | Skipped:
        if isinstance(item, Skipped):
            return item
        none = np.zeros((0, self._encoder.dimension), dtype=np.float32)
        if job.known.get(item.id) == digest_of(item, self._settings):
            return PreparedDocument(item, None, none, 0)
        passages = self._splitter.split(item)
        return PreparedDocument(item, passages, none, over_window(passages, self._splitter))


def _passages(item: PreparedDocument | Skipped) -> Sequence[Passage]:
    return () if isinstance(item, Skipped) else item.passages or ()


def _with_vectors(
    item: PreparedDocument | Skipped, rows: Iterator[np.ndarray], empty: np.ndarray
) -> PreparedDocument | Skipped:
    """The item with the next vectors, one for each of its passages."""
    if isinstance(item, Skipped):
        return item
    own = [next(rows) for _ in item.passages or ()]
    return replace(item, vectors=np.stack(own) if own else empty)


def _items(sent: Sent) -> Iterator[Document | Skipped]:
    """Yield the documents of a job, and what was not read."""
    job = sent.job
    if job.documents is not None:
        yield from job.documents
    elif sent.content is None:
        yield from read(job.source)
    else:
        source = job.source
        with tempfile.TemporaryDirectory(prefix="shortlist-") as folder:
            copy = Path(folder) / source.path.name
            copy.write_bytes(sent.content)
            yield from read(
                Copied(copy, source.format, None, source.options, source.common_title, original=source.name)
            )


def prepare_by(config: SearchConfig, bi_encoder: str, workers: int | None, ray: str | None) -> Prepare | None:
    """Return the function that does the jobs of an ingest by workers, or None if neither `workers` nor `ray` is given.

    `bi_encoder` is the name of the bi-encoder of the index.

    Raises:
        InvalidInput: `workers` is below 1, or `ray` is empty.
        MissingExtra: `ray` is given, and the ray extra is not installed.
    """
    if workers is None and ray is None:
        return None
    crew = choose_workers(workers, ray, threads=config.threads, device=config.device)
    return ByWorkers(crew, bi_encoder, config.reranker or RERANKER, config)


@dataclass(frozen=True, slots=True)
class ByWorkers:
    """Does the jobs of an ingest. Satisfies `collection.worker_ingest.Prepare`."""

    crew: Workers
    bi_encoder: str
    reranker: str
    config: SearchConfig

    def __call__(self, jobs: Iterable[Job]) -> Iterator[Prepared]:
        """Yield the results in the order of the jobs. Raises as `Workers.run`.

        A job whose workers ended gives a `Skipped` for each document, or for its file.
        """
        sent: dict[int, list[Sent]] = {}
        make = partial(DocumentPreparer, self.bi_encoder, self.reranker, self.config, self.crew.threads)
        with closing(self.crew.run(make, self._units(jobs, sent), ahead=AHEAD)) as answers:
            for answer in in_order(answers):
                jobs = [each.job for each in sent.pop(answer.number)]
                results = [lost_job(job, answer.lost) for job in jobs] if answer.lost else answer.value
                is_first = answer.number < (self.crew.count or 1)
                yield from (replace(result, is_first=is_first) for result in results)

    def _units(self, jobs: Iterable[Job], sent: dict[int, list[Sent]]) -> Iterator[Unit]:
        """Yield units of one or several jobs, and put the jobs of each unit into `sent`."""
        group: list[Sent] = []
        size = number = 0
        for job in jobs:
            if group and size + job.size > UNIT:
                sent[number] = group
                yield Unit(number, group)
                group, size, number = [], 0, number + 1
            group.append(self._sent(job))
            size += job.size
        if group:
            sent[number] = group
            yield Unit(number, group)

    def _sent(self, job: Job) -> Sent:
        _check(job.source)
        if self.crew.shares_files or job.documents is not None:
            return Sent(job)
        try:
            return Sent(job, job.source.path.read_bytes())
        except OSError as error:
            note = Note("unreadable", error=error.strerror or type(error).__name__)
            return Sent(replace(job, documents=(Skipped(job.source.name, "", note),)))


def _check(source: Source) -> None:
    """Raise InvalidInput if the options of the source cannot be sent to another process."""
    if callable(source.options.ocr):
        try:
            pickle.dumps(source.options.ocr)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise InvalidInput(
                "ocr is a function that cannot be sent to workers: give a function of a module, or a command",
                field="ocr",
            ) from error
