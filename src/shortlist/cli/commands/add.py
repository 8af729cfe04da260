"""`shortlist add`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import shortlist
from shortlist.cli.options import (
    DEFAULT_INDEX,
    MODELS,
    Given,
    IndexOption,
    resolved,
    with_settings,
)
from shortlist.cli.options_reading import (
    EncodingOption,
    ExcludeOption,
    IncludeOption,
    OcrOption,
    PasswordOption,
    reading_options,
)
from shortlist.cli.options_workers import RayOption, WorkersOption
from shortlist.cli.render.added import print_passed_over, print_skipped, print_totals, print_unread
from shortlist.cli.render.lists import SHOWN
from shortlist.errors import InvalidInput
from shortlist.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shortlist.collection import IngestReport
    from shortlist.config import SearchConfig


@with_settings(*MODELS, "fields", "language", "index_options")
def add(  # noqa: PLR0913 - one parameter per option
    given: Given,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files and folders, or one store such as chroma:notes@./chroma. Optional with --precompute and "
            "--no-precompute.",
            show_default=False,
        ),
    ] = None,
    index: IndexOption = DEFAULT_INDEX,
    prune: Annotated[bool, typer.Option("--prune", help="Also remove the documents of deleted files.")] = False,
    precompute: Annotated[
        bool | None,
        typer.Option(
            "--precompute/--no-precompute",
            help="Store what the reranker computes from each passage without a query: faster searches, a larger index. "
            "The packaged reranker cannot do this: see docs/indexing.md. --no-precompute removes what is stored. "
            "[default: shortlist.toml, or as the index did before]",
        ),
    ] = None,
    password: PasswordOption = None,
    ocr: OcrOption = None,
    include: IncludeOption = None,
    encoding: EncodingOption = "",
    exclude: ExcludeOption = None,
    workers: WorkersOption = None,
    ray: RayOption = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help=f"Name every file that add did not read, not only the first {SHOWN}.")
    ] = False,
) -> None:
    """Read files and folders, or the passages of a store, into an index.

    The command reads only new and changed files. Formats: .txt .md .html .pdf .docx .jsonl .json .csv .tsv .xlsx .ods
    .pptx .epub .ipynb .eml .mhtml .warc .xml and relatives, source code, and BEIR folders. A passage has at most 200
    tokens, and fewer if the window of one of the models is smaller. The command adds the passages of a store as they
    are. If the bi-encoder of the index made the vectors of the store, the command takes them. You may interrupt the
    command: run it again to continue. If the command can read nothing, the exit code is 2.
    """
    from contextlib import nullcontext

    from shortlist.cli.render.adding import Display
    from shortlist.cli.render.progress import kept_on_failure
    from shortlist.collection import no_empty_index
    from shortlist.registry import INDEXES
    from shortlist.stores.kinds import is_store

    given_paths = _named(paths or [])
    stores = [path for path in given_paths if is_store(path)]
    if not given_paths and precompute is None:
        raise typer.BadParameter("give files or folders, or --precompute, or --no-precompute", param_hint="PATHS")
    # The name of the reranker decides the length of passages. The reranker itself is loaded only to precompute.
    source = {"retriever": stores[0]} if stores else {}
    options = reading_options(password, ocr, include, encoding, exclude, files=not stores)
    config = resolved({**given, **source, "precompute": precompute}).config.override({"rerank": False})
    shown = None if verbose else SHOWN
    files = [] if stores else list(map(Path, given_paths))
    if stores:
        _check_stores(given_paths, config)
    elif files:
        _check_paths(files, exclude or (), index, shown, config)
    name, server = without_secrets(index), INDEXES.is_server(index)
    is_new = not INDEXES.exists(index, config.index_options)
    with nullcontext() if server else no_empty_index(Path(index)):
        with (
            kept_on_failure("the committed documents stay in the index"),
            Display() as display,
            shortlist.open(index, create=bool(given_paths), config=config) as opened,
        ):
            opened.encoder  # noqa: B018 - loads the model
            report = opened.add(
                stores or files, prune=prune, options=options, workers=workers, ray=ray, progress=display.show
            )
        nothing = bool(given_paths) and _is_nothing(report, prune, of_store=bool(stores))
        discarded = nothing and is_new and not server and not report.passages_total
        print_totals(report, name, str(config.reranker), discarded=discarded)
        print_unread(report, shown, of_store=bool(stores))
        if nothing:
            raise _nothing_read(given_paths, name, report, discarded=discarded, of_store=bool(stores))


def _check_stores(paths: Sequence[str], config: SearchConfig) -> None:
    """Check that a store can be opened, before the model loads and an empty index is created.

    Raises:
        InvalidInput: There are other paths, or the store has no such field.
        StoreError: The store has no such collection, does not answer, or refuses the request.
    """
    from shortlist.stores.kinds import load_store

    if len(paths) > 1:
        raise InvalidInput("a store is added by itself: add stores and files in separate calls")
    load_store(paths[0], config.fields).close()


def _named(paths: list[str]) -> list[str]:
    """Return the paths, and raise InvalidInput if one is an empty text, which would mean the current folder."""
    if "" in paths:
        raise InvalidInput("a path is empty: give files or folders, such as . for the current folder")
    return paths


def _check_paths(
    paths: Sequence[Path], exclude: Sequence[str], index: str, shown: int | None, config: SearchConfig
) -> None:
    """Check the paths before the model loads, so that the command does not create an empty index.

    Raises:
        InvalidInput: A path does not exist, or there is neither an index nor a readable file.
    """
    from dataclasses import replace

    from shortlist.documents import PassedOver, discover, named_from
    from shortlist.redaction import without_secrets
    from shortlist.registry import INDEXES

    sources, unread = discover(paths, exclude)
    unread = [file for file in unread if file.path]
    if sources or INDEXES.exists(index, config.index_options):
        return
    place = INDEXES.place(index)
    root = place.resolve().parent if isinstance(place, Path) else Path.cwd().resolve()
    named = [replace(file, path=named_from(root, Path(file.path))) for file in unread]
    print_passed_over([file for file in named if isinstance(file, PassedOver)], shown)
    print_skipped([file for file in named if not isinstance(file, PassedOver)], shown)
    given = _names(list(map(str, paths)))
    raise InvalidInput(f"nothing could be read from {given}, so the index {without_secrets(index)} was not created")


def _nothing_read(
    paths: Sequence[str], index: str, report: IngestReport, *, discarded: bool, of_store: bool
) -> InvalidInput:
    """The error if nothing was read, and what became of an index without passages."""
    names = _names(list(map(without_secrets, paths)))
    end = f", so the index {index} was not created" if discarded else f", and {index} is empty"
    end = "" if report.passages_total else end
    if of_store and not report.skipped:
        return InvalidInput(f"there are no rows in {names}{end}: fill the collection, or name another one")
    return InvalidInput(f"nothing could be read from {names}{end}")


def _names(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (" and more" if len(paths) > 3 else "")


def _is_nothing(report: IngestReport, prune: bool, *, of_store: bool) -> bool:
    """Whether the command read nothing, although it did not only remove documents."""
    if of_store:
        read = report.documents_written + report.documents_unchanged + report.documents_refused
        return not read and bool(report.skipped or not report.documents_removed)
    read = report.sources_read + report.sources_unchanged
    return not read and bool(report.skipped or not (report.passages_total or prune))
