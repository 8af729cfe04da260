"""Notes about content that was not read as sentences. `shortlist.wording.describe` uses them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shortlist.wording.counting import counted
from shortlist.wording.measuring import Words

_PART = re.compile(r"(.*?)((?: (?:with|without|of) .*)?)")
"""A part of a file in the plural, such as "slides with comments", and what follows the noun."""


def _too_large(values: Mapping[str, Any]) -> str:
    unpacked = " when unpacked" if values["unpacked"] else ""
    return f"larger than {values['megabytes']} MB{unpacked}: split the file"


def _part_left_out(values: Mapping[str, Any]) -> str:
    count, part = values["count"], values["part"]
    match = _PART.fullmatch(part)
    nouns, rest = match.groups() if match else (part, "")
    words = f"{' or '.join(noun.removesuffix('s') for noun in nouns.split(' or '))}{rest}" if count == 1 else part
    return f"{count} {words} left out" + (f": to read them, include {values['include']!r}" if values["include"] else "")


def _half_written(values: Mapping[str, Any]) -> str:
    noun, remedy = ("document", "remove it") if values["document"] else ("file", "prune if the file no longer exists")
    return f"a run was interrupted, so the index may have only a part of this {noun}: add the {noun} again, or {remedy}"


def _undecodable(values: Mapping[str, Any]) -> str:
    fits = f"not text in the encoding {values['encoding']}" if values["encoding"] else "not UTF-8, and no encoding fits"
    return f"{fits}: give the encoding of the file when you add it, or save the file as UTF-8"


def _ids_of_other_source(values: Mapping[str, Any]) -> str:
    count, ids = values["count"], values["ids"]
    noun, verb = ("their ids", "are") if count > 1 else ("its id", "is")
    more = ", ..." if count > len(ids) else ""
    return (
        f"{counted(count, 'row')} not written, because {noun} ({', '.join(map(str, ids))}{more}) {verb} used by "
        f"{values['source']}: rename the id column or add the files to indexes of their own"
    )


NOT_READ: Mapping[str, Words] = {
    "unknown_format": lambda v: f"unsupported format {v['extension'] or '(no extension)'}",
    "hidden": "hidden, or a folder such as node_modules",
    "excluded": "excluded by {pattern}",
    "pattern_unused": "no file or folder matches the pattern {pattern}: patterns begin below each given folder",
    "beside_beir": "next to a BEIR corpus",
    "is_index": "a shortlist index, not documents",
    "not_regular": "not a regular file (a broken link, a device or a pipe)",
    "name_not_utf8": "the file name is not UTF-8: rename the file",
    "unreadable": "cannot be read: {error}",
    "folder_unreadable": "the folder cannot be read: {error}",
    "too_large": _too_large,
    "line_too_long": "longer than {megabytes} MB",
    "not_text": "not text: the file contains NUL bytes",
    "undecodable": _undecodable,
    "guessed_encoding": "not UTF-8, and read as {encoding}, which is a guess",
    "broken": "not readable as {format}: {error}",
    "bad_front_matter": "not readable as {format}, so the front matter stays in the text: {error}",
    "bad_title": "the title is {kind}, so it is only the metadata field given_title: write one text",
    "page_broken": "the page cannot be read: {error}",
    "encrypted": "encrypted: give its password when you add it, or save the file without a password first",
    "encrypted_or_old": (
        "encrypted, or in an old format (.doc, .ppt): save the file in the new format, without a password, first"
    ),
    "no_page_text": "no text: a scanned page needs OCR first",
    "ocr_failed": "OCR failed: {error}",
    "part_left_out": _part_left_out,
    "attachment": "an attachment of the type {type}: save it as a file to add it",
    "too_many_cells": "{cells} cells, and the limit is {most}: split the sheet",
    "too_many_values": "more than {most} values in one record: write a list of records",
    "missing_extra": "the format {format} needs an optional package: pip install 'shortlist[{extra}]'",
    "empty": "empty: no text",
    "no_rows": "empty: no rows after the header",
    "no_header": (
        "row 1 is like the other rows, so it is read as data, and the columns are named by their numbers, such as "
        "{column!r}: to name them, write a first row of names"
    ),
    "extra_cells": (
        "{cells} cells, and the header names {columns} columns: the row is kept, and the column {column!r} has the "
        "cells in the middle; a text with a separator needs quotes"
    ),
    "bad_csv": "not readable as CSV: {error}",
    "open_quote": "a quote in the row of line {first} is not closed: lines {first} to {last} were not read ({error})",
    "bad_json": "not JSON: {error}",
    "deep_json": "JSON that is nested too deeply",
    "not_object": "not a JSON object but {kind}",
    "missing_field": 'no "{field}" field',
    "wrong_type": '"{field}" is {kind}, not {expected}',
    "empty_id": '"{field}" is empty',
    "bad_characters": lambda v: (
        f"{counted(v['count'], 'character')} replaced by U+FFFD, because NUL and half of a surrogate pair are no text: "
        "correct the program that wrote the file"
    ),
    "bad_id": '"{field}" has characters that are not text',
    "worker_lost": "not prepared: {reason}. Add it again to try again",
    "repeated_id": "the id {id!r} is already used at {first}",
    "repeated_row": "an earlier row has the id {id!r}, too",
    "unusable_row": "{error}",
    "ids_of_other_source": _ids_of_other_source,
    "half_written": _half_written,
}
"""The reasons for content that was not read: see `shortlist.documents.notes`."""
