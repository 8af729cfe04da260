"""Turn a whole file of texts into vectors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist import registry
from shortlist.atomic_io import check_place, written_whole
from shortlist.bulk.parts import Part, Parts
from shortlist.bulk.report import BulkReport, FailedRow
from shortlist.bulk.texts import PARQUET, Text, digest_of, texts_in
from shortlist.bulk.work import Job, finish, unit_rows
from shortlist.config import SearchConfig, checked_config
from shortlist.documents.export import check_format
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.rows import Encodings
from shortlist.models.packaged import BI_ENCODER
from shortlist.workers import Unit, choose_workers
from shortlist.workers.encoding import Encoded, TextEncoder

NPY, IDS = ".npy", ".ids.jsonl"
"""The formats of the output. The ids of an .npy file are in a second file, next to it."""
Rows: TypeAlias = "tuple[list[str], NDArray[np.float32]]"
"""The ids of some rows, and their vectors."""


@dataclass
class Task:
    """What to encode: the texts of a file, which is read again when they are needed, and the rows that failed already.

    `size` is the number of rows of a unit.
    """

    source: Path
    encodings: Encodings
    total: int = 0
    digest: str = ""
    failures: list[FailedRow] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The rows of a unit; the last one may have fewer."""
        return unit_rows(self.total)

    def blocks(self) -> Iterator[list[Text]]:
        """Yield the texts of each unit."""
        texts = (item for item in texts_in(self.source, self.encodings) if isinstance(item, Text))
        while block := list(islice(texts, self.size)):
            yield block

    def rows(self) -> list[int]:
        """Return the number of rows of each unit."""
        return [min(self.size, self.total - start) for start in range(0, self.total, self.size)]


def embed(  # noqa: PLR0913 - the first two are needed
    texts: str | Path,
    out: str | Path,
    *,
    as_queries: bool = False,
    config: SearchConfig | None = None,
    workers: int | None = None,
    ray: str | None = None,
    encoding: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> BulkReport:
    """Encode every text of a file, write the vectors in the order of the file, and return what was done.

    The process may be stopped at any moment: the same call then continues. The number of workers does not change the
    output. A row that fails is not in the output, and does not stop the others.

    Args:
        texts: A .jsonl, .csv or .parquet file with id, text and maybe title; or a BEIR folder.
        out: A .parquet file with the columns id and vector, or an .npy file with a `(rows, dimension)` float32 array.
            The ids of `vectors.npy` are the lines of `vectors.ids.jsonl`. Existing files are replaced.
        as_queries: Encode the texts as queries. Otherwise, they are passages.
        config: The bi-encoder, with its precision, device and threads.
        workers: The number of workers. None: one process, or every CPU of the Ray cluster.
        ray: The address of a Ray cluster, such as "auto" or "ray://host:10001". None: processes of this machine.
        encoding: The encoding of a file that is not UTF-8. Without it, the encoding is a guess, which the report has.
        progress: Receives the number of finished rows and the number of all rows.

    Raises:
        InvalidInput: A file cannot be used, it has no text, or the partial results next to `out` belong to another run.
        ModelError: The bi-encoder cannot be loaded, or a hosted one does not answer. Finished rows are kept.
        WorkersFailed: No worker can start, or the Ray cluster does not answer. Finished rows are kept.
    """
    began, config, file = time.perf_counter(), checked_config(config), Path(out)
    name, precision, device = config.bi_encoder or BI_ENCODER, config.precision, config.device
    crew = choose_workers(workers, ray, threads=config.threads, device=device)
    registry.encoder_name(name)
    _check_output(file)
    task = _task(Path(texts), Encodings.named(encoding))
    about = {"bi_encoder": name, "as_queries": as_queries, "precision": precision, "device": device}
    report = BulkReport(failures=list(task.failures), guessed=task.encodings.guessed)
    with Parts(file, {**about, "input": task.digest}) as parts:
        rows = task.rows()
        report.resumed = sum(rows[number] for number in parts.done)
        units = (Unit(number, [text.content for text in block]) for number, block in enumerate(task.blocks()))
        make = partial(TextEncoder, name, queries=as_queries, precision=precision, device=device, threads=crew.threads)
        lost = Job(crew, make, _part, progress).run(units, rows, parts)
        _count(task, parts, lost, report)
        _write(file, _results(task, parts, lost), report.rows)
        finish(parts, report)
    report.seconds = time.perf_counter() - began
    return report


def _check_output(file: Path) -> None:
    if file.suffix.lower() not in (NPY, PARQUET):
        raise InvalidInput(f"{file} has no known format: name a file that ends in {PARQUET} or {NPY}")
    check_place(file)
    if file.suffix.lower() == PARQUET:
        check_format(file)
    else:
        check_place(_ids_of(file))


def _task(source: Path, encodings: Encodings) -> Task:
    """Read the file once, for the number of its texts and their hash."""
    task = Task(source, encodings)

    def parts() -> Iterator[str]:
        for item in texts_in(source, encodings):
            if isinstance(item, Text):
                task.total += 1
                yield from (item.id, item.content)
            else:
                task.failures.append(FailedRow(f"{item.path} {item.place}".strip(), item.reason))

    task.digest = digest_of(parts())
    if not task.total:
        reason = f": {task.failures[0]}" if task.failures else ""
        raise InvalidInput(f"{source} has no text to encode{reason}")
    return task


def _part(encoded: Encoded) -> Part:
    facts = {"failures": encoded.failures, "made_by": encoded.made_by, "seconds": encoded.seconds}
    return Part({"vectors": encoded.vectors, "cut": encoded.cut}, facts)


def _count(task: Task, parts: Parts, lost: Mapping[int, str], report: BulkReport) -> None:
    """Add the numbers and the failures of every unit to the report."""
    report.rows = task.total
    for number, block in enumerate(task.blocks()):
        if number in lost:
            report.failures += [FailedRow(text.id, lost[number], again=True) for text in block]
            report.rows -= len(block)
            continue
        part = parts.get(number)
        report.count(part.facts)
        report.cut += int(part.arrays["cut"].sum())
        report.rows -= len(part.facts["failures"])
        report.failures += [FailedRow(block[place].id, reason, again=True) for place, reason in part.facts["failures"]]


def _results(task: Task, parts: Parts, lost: Mapping[int, str]) -> Iterator[Rows]:
    """Yield the ids and the vectors of each unit, without the rows that failed."""
    for number, block in enumerate(task.blocks()):
        if number not in lost:
            part = parts.get(number)
            failed = {place for place, _ in part.facts["failures"]}
            places = [place for place in range(len(block)) if place not in failed]
            yield [block[place].id for place in places], part.arrays["vectors"][places]


def _write(file: Path, results: Iterator[Rows], total: int) -> None:
    """Write the rows. The ids of an .npy file are complete before its vectors replace older ones."""
    if file.suffix.lower() == PARQUET:
        with written_whole(file) as stream:
            _write_parquet(results, stream)
        return
    with written_whole(file) as stream, written_whole(_ids_of(file)) as ids:
        _write_npy(results, ids, stream, total)


def _ids_of(file: Path) -> Path:
    return file.with_name(f"{file.stem}{IDS}")


def _write_npy(results: Iterator[Rows], ids: IO[bytes], stream: IO[bytes], total: int) -> None:
    started = False
    for keys, vectors in results:
        if not started:
            shape = (total, vectors.shape[1])
            np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
            started = True
        ids.writelines(json.dumps(key, ensure_ascii=False).encode() + b"\n" for key in keys)
        stream.write(np.ascontiguousarray(vectors, dtype="<f4").tobytes())
    if not started:
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": (0, 0)})


def _write_parquet(results: Iterator[Rows], stream: IO[bytes]) -> None:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    writer: ParquetWriter | None = None
    try:
        for keys, vectors in results:
            width = vectors.shape[1]
            cells = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.reshape(-1)), width)
            table = pyarrow.table({"id": pyarrow.array(keys, pyarrow.string()), "vector": cells})
            if writer is None:
                writer = ParquetWriter(stream, table.schema)
            writer.write_table(table)
        if writer is None:
            columns = {"id": pyarrow.string(), "vector": pyarrow.list_(pyarrow.float32())}
            writer = ParquetWriter(stream, pyarrow.schema(list(columns.items())))
    finally:
        if writer is not None:
            writer.close()
