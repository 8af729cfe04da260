"""What `add` did, and what it did not read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shortlist.cli.console import remark, warn, with_index
from shortlist.cli.render.lists import MORE, print_left_out, print_list
from shortlist.wording.counting import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shortlist.collection import IngestReport
    from shortlist.documents import PassedOver, Skipped

_REMEDIES = {
    "--password TEXT reads encrypted PDF files": ("encrypted",),
    "--ocr COMMAND reads pages without text: see docs/indexing.md": ("no_page_text",),
    "--encoding NAME reads text that is not UTF-8": ("undecodable",),
    "--include PART reads comments and headers": ("part_left_out",),
}


def print_totals(report: IngestReport, index: str, reranker: str, *, discarded: bool = False) -> None:
    """Print what was read, written and precomputed. An index that is `discarded` holds nothing."""
    from shortlist.text.terms import ENGLISH

    empty = f"{report.sources_empty} empty, " if report.sources_empty else ""
    unread = f"{report.sources_unread} not readable, " if report.sources_unread else ""
    refused = f"{report.documents_refused} not written, " if report.documents_refused else ""
    remark(
        f"{counted(report.sources_read, 'source')} read, {report.sources_unchanged} unchanged, {empty}{unread}"
        f"{report.sources_removed} removed; {counted(report.documents_written, 'document')} written, "
        f"{refused}{report.documents_unchanged} unchanged, {report.documents_removed} removed"
    )
    rate = report.passages_added / max(report.seconds, 1e-9)
    holds = "" if discarded else f"; {index} holds {counted(report.passages_total or 0, 'passage')}"
    remark(
        f"{counted(report.passages_added, 'passage')} added, {report.passages_removed} removed in {report.seconds:.1f} "
        f"s ({rate:.0f} passages/s){holds}"
    )
    if report.passages_added and report.language != ENGLISH:
        remark(f"BM25 has the word forms of {report.language.title()}: --language names another language at the start")
    if report.over_window:
        remark(
            f"{counted(report.over_window, 'passage')} longer than the window of {reranker}: the reranker reads "
            "only the start"
        )
    _print_states(report, index)


def print_unread(report: IngestReport, shown: int | None, *, of_store: bool) -> None:
    """Print what was not read, or not read in full."""
    print_passed_over(report.passed_over, shown)
    _print_replaced(report.replaced, shown)
    if of_store:
        print_left_out([item.note for item in report.skipped], shown, MORE)
    else:
        print_skipped(report.skipped, shown)


def _print_states(report: IngestReport, index: str) -> None:
    """Print what happened to the stored states."""
    from shortlist.wording import describe

    if report.states_computed:
        remark(f"{counted(report.states_computed, 'passage')} precomputed")
    if report.states_freed:
        remark(f"{report.states_freed / 1e6:.1f} MB of precomputed states removed")
    for note in report.notes:
        warn(with_index(describe(note), index))


def print_passed_over(files: Sequence[PassedOver], shown: int | None) -> None:
    """Print the files that a walk leaves out, in one line for each reason."""
    for reason in dict.fromkeys(file.reason for file in files):
        paths = [file.path for file in files if file.reason == reason]
        names = paths[:shown]
        more = f" and {len(paths) - len(names)} more{MORE}" if len(paths) > len(names) else ""
        remark(f"{len(paths)} ignored ({reason}): {', '.join(names)}{more}")


def _print_guessed(files: Sequence[Skipped], shown: int | None) -> None:
    """Print the encodings that were guessed, and with --verbose their files."""
    guessed = [file for file in files if file.note.code == "guessed_encoding"]
    if guessed:
        counts = Counter(str(file.note.values["encoding"]) for file in guessed)
        names = ", ".join(f"{name} ({count})" for name, count in counts.most_common())
        files_read = counted(len({file.path for file in guessed}), "file")
        remark(
            f"{files_read} read in a guessed encoding instead of UTF-8: {names}. If a guess is wrong, --encoding NAME "
            f"names the encoding{MORE if shown is not None else ':'}"
        )
        print_list([f"{file.path}: {file.note.values['encoding']}" for file in guessed] if shown is None else [], None)


def _print_replaced(files: Mapping[str, int], shown: int | None) -> None:
    """Print the files with bytes that cannot be decoded."""
    if files:
        remark(
            f"{counted(len(files), 'file')} with bytes that are not in the encoding of the file. "
            "The replacement character (U+FFFD) replaces each such byte. Save these files as UTF-8:"
        )
        print_list([f"{name}: {counted(count, 'byte')}" for name, count in files.items()], shown)


def print_skipped(files: Sequence[Skipped], shown: int | None) -> None:
    """Print what was not read. Without --verbose, one line counts all parts left out, and one the guessed encodings.

    A CSV file without a row of names was read completely, so it is not among the others.
    """
    _print_guessed(files, shown)
    elsewhere = {"guessed_encoding", "no_header"} | (set() if shown is None else {"part_left_out"})
    parts = [file for file in files if shown is not None and file.note.code == "part_left_out"]
    unread = [file for file in files if file.note.code not in elsewhere]
    unnamed = [f"{file.path}: {file.reason}" for file in files if file.note.code == "no_header"]
    if unnamed:
        remark(f"{counted(len(unnamed), 'file')} without a row of names:")
        print_list(unnamed, shown)
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
