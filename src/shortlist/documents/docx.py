"""Word files, through python-docx, as light Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from zipfile import BadZipFile

from shortlist.documents.parts import Skipped, Source, make
from shortlist.types import Document


def read(source: Source) -> Iterator[Document | Skipped]:
    """Paragraphs and tables in order; headings as "#" lines."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table

    try:
        opened = docx.Document(str(source.path))
    except (PackageNotFoundError, BadZipFile, KeyError, ValueError) as error:
        yield Skipped(source.name, "", f"broken Word file: {error}")
        return
    lines: list[str] = []
    first = ""
    for block in opened.iter_inner_content():
        if isinstance(block, Table):
            lines += [" | ".join(cell.text.strip() for cell in row.cells) for row in block.rows]
            continue
        text = block.text.strip()
        style = block.style.name if block.style is not None else ""
        if text and style.startswith(("Heading", "Title")):
            level = int(style.split()[-1]) if style.split()[-1].isdigit() else 1
            first = first or text
            text = f"{'#' * min(level, 6)} {text}"
        lines.append(text)
    yield make(
        source, "\n\n".join(line for line in lines if line), opened.core_properties.title or first or source.path.stem
    )
