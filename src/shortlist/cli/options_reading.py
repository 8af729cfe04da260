"""The options of commands that read files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.options import search_current_folder
from shortlist.errors import InvalidInput

if TYPE_CHECKING:
    from shortlist.documents import ReadOptions

PasswordOption = Annotated[
    list[str] | None,
    typer.Option("--password", help="The password of encrypted PDF files. Repeat it for several.", metavar="TEXT"),
]
OcrOption = Annotated[
    str | None,
    typer.Option(
        "--ocr",
        metavar="COMMAND",
        help="Read pages of PDF files without text: a command that gets the path of an image in the place of {} "
        "and prints its text, such as 'tesseract {} stdout', or a function as package.module:attribute.",
    ),
]
IncludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--include", metavar="PART", help="Also read these parts of Word files: comments, headers (with footers)."
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        help="Leave out files and folders, such as '*.log' or 'drafts/': a pattern as in .gitignore, relative to each "
        "given folder. Repeat it for several. With --prune, their documents are removed.",
    ),
]
EncodingOption = Annotated[
    str,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help="The encoding of texts that are not UTF-8 and name no encoding, such as cp1252 or shift_jis. "
        "[default: a guess]",
        show_default=False,
    ),
]


def reading_options(
    password: list[str] | None,
    ocr: str | None,
    include: list[str] | None,
    encoding: str,
    exclude: list[str] | None,
    *,
    files: bool,
) -> ReadOptions | None:
    """Return how to read the files, or None if no option says it.

    Raises:
        InvalidInput: An option has no meaning, the encoding is unknown, the name of the OCR function cannot be loaded,
            or no file is given.
    """
    from shortlist.attributes import is_attribute, load_attribute
    from shortlist.documents import ReadOptions

    if not (password or ocr or include or encoding or exclude):
        return None
    if not files:
        raise InvalidInput("--password, --ocr, --encoding, --include and --exclude are for files: a store has passages")
    search_current_folder({"ocr": ocr})
    ocr_hook = load_attribute(ocr) if ocr and is_attribute(ocr) else ocr
    return ReadOptions(password or (), ocr_hook, include or (), encoding, exclude or ())
