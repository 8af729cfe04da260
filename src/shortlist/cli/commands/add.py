"""`shortlist add`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import shortlist
from shortlist.cli.console import remark, warn, with_index
from shortlist.cli.options import (
    DEFAULT_INDEX,
    MODELS,
    Given,
    IndexOption,
    resolved,
    search_current_folder,
    with_settings,
)
from shortlist.cli.options_workers import RayOption, WorkersOption
from shortlist.cli.render.lists import MORE, SHOWN, print_left_out, print_list
from shortlist.errors import InvalidInput
from shortlist.redaction import without_secrets
from shortlist.wording.counting import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shortlist.collection import IngestReport
    from shortlist.config import SearchConfig
    from shortlist.documents import PassedOver, ReadOptions, Skipped

_REMEDIES = {
    "--password TEXT reads encrypted PDF files": ("encrypted",),
    "--ocr COMMAND reads pages without text: see docs/indexing.md": ("no_page_text",),
    "--include PART reads comments and headers": ("part_left_out",),
}


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
    password: Annotated[
        list[str] | None,
        typer.Option("--password", help="The password of encrypted PDF files. Repeat it for several.", metavar="TEXT"),
    ] = None,
    ocr: Annotated[
        str | None,
        typer.Option(
            "--ocr",
            metavar="COMMAND",
            help="Read pages of PDF files without text: a command that gets the path of an image in the place of {} "
            "and prints its text, such as 'tesseract {} stdout', or a function as package.module:attribute.",
        ),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            "--include", metavar="PART", help="Also read these parts of office files: comments, headers (with footers)."
        ),
    ] = None,
    workers: WorkersOption = None,
    ray: RayOption = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help=f"Name every file that add did not read, not only the first {SHOWN}.")
    ] = False,
) -> None:
    """Read files and folders, or the passages of a store, into an index.

    Only new and changed files are embedded. Formats: .txt .md .html .pdf .docx .jsonl .json .csv .xlsx .pptx .epub
    .ipynb .eml .mhtml .warc, source code, and BEIR folders. The reranker's window limits the length of passages. The
    passages of a store are added as they are, with the vectors of the store if the bi-encoder of the index made them.
    You may interrupt the command: run it again to continue. If the command can read nothing, the exit code is 2.
    """
    from contextlib import nullcontext

    from shortlist.cli.render.adding import Display
    from shortlist.cli.render.progress import kept_on_failure
    from shortlist.collection import no_empty_index
    from shortlist.registry import INDEXES
    from shortlist.stores.kinds import is_store

    given_paths = paths or []
    stores = [path for path in given_paths if is_store(path)]
    if not given_paths and precompute is None:
        raise typer.BadParameter("give files or folders, or --precompute, or --no-precompute", param_hint="PATHS")
    # The name of the reranker decides the length of passages. The reranker itself is loaded only to precompute.
    source = {"retriever": stores[0]} if stores else {}
    options = _options(password, ocr, include, files=not stores)
    config = resolved({**given, **source, "precompute": precompute}).config.override({"rerank": False})
    shown = None if verbose else SHOWN
    files = [] if stores else list(map(Path, given_paths))
    if stores:
        _check_stores(given_paths, config)
    elif files:
        _check_paths(files, index, shown, config)
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
        _print_totals(report, name, str(config.reranker))
        _print_unread(report, shown, of_store=bool(stores))
        if given_paths and _is_nothing(report, prune, of_store=bool(stores)):
            end = f", and {name} is empty" if server or not is_new else f", so the index {name} was not created"
            read = f"nothing could be read from {_names(list(map(without_secrets, given_paths)))}"
            raise InvalidInput(read if report.passages_total else read + end)


def _options(
    password: list[str] | None, ocr: str | None, include: list[str] | None, *, files: bool
) -> ReadOptions | None:
    """Return how to read the files, or None if no option says it.

    Raises:
        InvalidInput: An option has no meaning, the name of the OCR function cannot be loaded, or no file is given.
    """
    from shortlist.attributes import is_attribute, load_attribute
    from shortlist.documents import ReadOptions

    if not (password or ocr or include):
        return None
    if not files:
        raise InvalidInput("--password, --ocr and --include are for files: a store has passages")
    search_current_folder({"ocr": ocr})
    return ReadOptions(password or (), load_attribute(ocr) if ocr and is_attribute(ocr) else ocr, include or ())


def _check_stores(paths: Sequence[str], config: SearchConfig) -> None:
    """Check that a store can be opened, before the model loads and an empty index is created.

    Raises:
        InvalidInput: There are other paths, or the store has no such collection or field.
        StoreError: The store does not answer, or refuses the request.
    """
    from shortlist.stores.kinds import load_store

    if len(paths) > 1:
        raise InvalidInput("a store is added by itself: add stores and files in separate calls")
    load_store(paths[0], config.fields).close()


def _check_paths(paths: Sequence[Path], index: str, shown: int | None, config: SearchConfig) -> None:
    """Check the paths before the model loads, so that the command does not create an empty index.

    Raises:
        InvalidInput: A path does not exist, or there is neither an index nor a readable file.
    """
    from dataclasses import replace

    from shortlist.documents import PassedOver, discover, named_from
    from shortlist.redaction import without_secrets
    from shortlist.registry import INDEXES

    sources, unread = discover(paths)
    if sources or INDEXES.exists(index, config.index_options):
        return
    place = INDEXES.place(index)
    root = place.resolve().parent if isinstance(place, Path) else Path.cwd().resolve()
    named = [replace(file, path=named_from(root, Path(file.path))) for file in unread]
    _print_passed_over([file for file in named if isinstance(file, PassedOver)], shown)
    _print_skipped([file for file in named if not isinstance(file, PassedOver)], shown)
    given = _names(list(map(str, paths)))
    raise InvalidInput(f"nothing could be read from {given}, so the index {without_secrets(index)} was not created")


def _names(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (" and more" if len(paths) > 3 else "")


def _is_nothing(report: IngestReport, prune: bool, *, of_store: bool) -> bool:
    """Whether the command read nothing, although it did not only remove documents."""
    if of_store:
        taken = [item for item in report.skipped if item.note.code == "id_of_other_source"]
        read = report.documents_written + report.documents_unchanged + len(taken)
        return not read and bool(report.skipped or not (report.passages_total or report.documents_removed))
    read = report.sources_read + report.sources_unchanged
    return not read and bool(report.skipped or not (report.passages_total or prune))


def _print_totals(report: IngestReport, index: str, reranker: str) -> None:
    from shortlist.text.terms import ENGLISH

    empty = f"{report.sources_empty} empty, " if report.sources_empty else ""
    remark(
        f"{counted(report.sources_read, 'source')} read, {report.sources_unchanged} unchanged, {empty}"
        f"{report.sources_removed} removed; {counted(report.documents_written, 'document')} written, "
        f"{report.documents_unchanged} unchanged, {report.documents_removed} removed"
    )
    rate = report.passages_added / max(report.seconds, 1e-9)
    remark(
        f"{counted(report.passages_added, 'passage')} added, {report.passages_removed} removed in {report.seconds:.1f} "
        f"s ({rate:.0f} passages/s); {index} holds {counted(report.passages_total or 0, 'passage')}"
    )
    if report.passages_added and report.language != ENGLISH:
        remark(f"BM25 has the word forms of {report.language.title()}: --language names another language at the start")
    if report.over_window:
        remark(
            f"{counted(report.over_window, 'passage')} longer than the window of {reranker}: the reranker reads "
            "only the start"
        )
    _print_states(report, index)


def _print_unread(report: IngestReport, shown: int | None, *, of_store: bool) -> None:
    """Print what was not read, or not read in full."""
    _print_passed_over(report.passed_over, shown)
    _print_replaced(report.replaced, shown)
    if of_store:
        print_left_out([item.note for item in report.skipped], shown, MORE)
    else:
        _print_skipped(report.skipped, shown)


def _print_states(report: IngestReport, index: str) -> None:
    """Print what happened to the stored states."""
    from shortlist.wording import describe

    if report.states_computed:
        remark(f"{counted(report.states_computed, 'passage')} precomputed")
    if report.states_freed:
        remark(f"{report.states_freed / 1e6:.1f} MB of precomputed states removed")
    for note in report.notes:
        warn(with_index(describe(note), index))


def _print_passed_over(files: Sequence[PassedOver], shown: int | None) -> None:
    for reason in dict.fromkeys(file.reason for file in files):
        paths = [file.path for file in files if file.reason == reason]
        names = paths[:shown]
        more = f" and {len(paths) - len(names)} more{MORE}" if len(paths) > len(names) else ""
        remark(f"{len(paths)} ignored ({reason}): {', '.join(names)}{more}")


def _print_replaced(files: Mapping[str, int], shown: int | None) -> None:
    """Print the files with bytes that the encoding of the file cannot decode."""
    if files:
        remark(
            f"{counted(len(files), 'file')} with bytes that are not UTF-8, or not the encoding that the file names. "
            "The replacement character (U+FFFD) replaces each such byte. Save these files as UTF-8:"
        )
        print_list([f"{name}: {counted(count, 'byte')}" for name, count in files.items()], shown)


def _print_skipped(files: Sequence[Skipped], shown: int | None) -> None:
    """Print what was not read, and the parts of files that were left out: all of them in one line without --verbose."""
    parts = [] if shown is None else [file for file in files if file.note.code == "part_left_out"]
    unread = [file for file in files if file not in parts]
    if unread:
        remark(f"{len(unread)} not read, or read in part:")
        print_list([f"{file.path}{f' {file.place}' if file.place else ''}: {file.reason}" for file in unread], shown)
    if parts:
        counts: dict[str, int] = {}
        for note in (file.note for file in parts):
            name, count = str(note.values["part"]), note.values["count"]
            counts[name] = counts.get(name, 0) + (count if isinstance(count, int) else 0)
        sources = counted(len({file.path for file in parts}), "file")
        remark(f"left out of {sources}: {', '.join(f'{count} {name}' for name, count in counts.items())}")
    for option, codes in _REMEDIES.items():
        if any(file.note.code in codes and file.note.values.get("include", option) for file in files):
            remark(f"  {option}")
