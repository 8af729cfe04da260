"""`python training/rebuild_texts.py [SOURCE...]`: finds the texts of `data/judged` again -> `judged/rebuilt.jsonl`.

1. For a source of Debian packages, it downloads the packages (`apt-get download`; nothing is installed), reads their
   manuals, and hashes "Parent heading: Heading. " and every run of words that begins at a block or a sentence.
2. For a source of the shared training data, it hashes the first 110 words of every text of the source's file.
3. It writes each query whose passages were all found, in the form that `learn.py` reads.

The passages that were found are kept next to the packages, and a later run adds to them. It needs lxml, man-db,
dpkg-deb, apt-get and a network.
"""

from __future__ import annotations

import argparse
import collections
import csv
import gzip
import hashlib
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import config
import keep_judged
from manuals import Items, clean, is_heading, manuals, variants

LONGEST, SHORTEST = 115, 28  # words of a passage of a manual
CUT = 110  # words of a passage of the shared training data
SHARED = "shared training source"
LARGEST_FILE = 6_000_000
LANGUAGES = """ar|be|bg|bn|bs|ca|ca@valencia|cs|da|de|el|en_GB|eo|es|et|eu|fa|fi|fr|ga|gl|he|hi|hr|hu|hy|ia|id|is|it|ja
ka|kk|km|kn|ko|lt|lv|mk|ml|mr|nb|nds|ne|nl|nn|no|oc|pa|pl|pt|pt_BR|pt-br|ro|ru|se|sk|sl|sq|sr|sr@latin|sr@ijekavian|sv|ta
te|tg|th|tr|uk|uz|vi|wa|zh|zh_CN|zh_TW|zh_HK|zh-cn|zh-tw|de-DE|fr-FR|es-ES|ja-JP|pt-BR|ru-RU|it-IT|gu|mai|as|or|si|ps
da-DK|zh-CN""".replace("\n", "|")
OTHER_LANGUAGE = re.compile(
    rf"/(?:{LANGUAGES})(?:/|_[A-Z]{{2}}(?:\.UTF-8)?/|\.UTF-8/)|[._-](?:{LANGUAGES})\.(?:html|txt|xml)"
)
HEADING_NUMBER = re.compile(r"^(?:(?:Chapter|Appendix|Part|Section)\s+)?(?:[0-9]+|[A-Z]|[IVX]+)(?:\.[0-9]+)*[.:)]?\s+")
KINDS = {
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".docbook": "docbook",
    ".md": "md",
    ".rst": "md",
    ".mdwn": "md",
    ".txt": "txt",
    ".text": "txt",
}


@dataclass(frozen=True)
class Source:
    """A row of sources.tsv."""

    name: str
    packages: tuple[tuple[str, str], ...]  # (name, version); empty for a source of the shared training data


def sources() -> list[Source]:
    """Return the sources of the judged pools."""
    with (keep_judged.FOLDER / "sources.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [Source(row["source"], _packages(row["packages"])) for row in rows]


def _packages(column: str) -> tuple[tuple[str, str], ...]:
    if column == SHARED:
        return ()
    named = (package.partition(" ") for package in column.split(", "))
    return tuple((name, version) for name, _, version in named)


def fetch(source: Source, folder: Path) -> None:
    """Extract the source's packages into `folder/PACKAGE`, in the version of the row or in the one that apt has."""
    for name, version in source.packages:
        target = folder / name
        if target.exists() or _extract(f"{name}={version}", target):
            continue
        print(f"{name} {version}: {'another version' if _extract(name, target) else 'not available'}", flush=True)


def _extract(package: str, target: Path) -> bool:
    downloads = target.parent / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", package], cwd=downloads, capture_output=True)
    files = sorted(downloads.glob(f"{target.name}_*.deb"))
    for file in files:
        subprocess.run(["dpkg-deb", "-x", str(file), str(target)], check=True)
        file.unlink()
    return bool(files)


def kind_of(file: Path) -> str | None:
    """Return how a file is read, or None if it is no manual."""
    if "/usr/share/man/man" in str(file):
        return "man"
    name = Path(re.sub(r"\.(gz|bz2|xz)$", "", file.name).lower())
    if name.suffix == ".cache":
        return "cache" if "/en/" in str(file) else None
    if name.suffix == ".xml":
        return "docbook" if "/help/C/" in str(file) else None
    return KINDS.get(name.suffix)


def files_of(source: Source, folder: Path) -> list[tuple[str, Path]]:
    """Return `(kind, file)` of the source's manuals. With HTML pages, plain text and man pages are left out."""
    files = []
    for name, _ in source.packages:
        for file in sorted((folder / name).rglob("*")):
            regular = file.is_file() and not file.is_symlink() and file.stat().st_size < LARGEST_FILE
            if regular and not OTHER_LANGUAGE.search(str(file)[len(str(folder)) :]) and (kind := kind_of(file)):
                files.append((kind, file))
    random.Random(0).shuffle(files)
    if collections.Counter(kind for kind, _ in files)["html"] > 3:
        return [(kind, file) for kind, file in files if kind in ("html", "docbook", "cache")]
    return files


def sections(items: Items) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
    """Yield the document's title, the headings above a section, and its blocks."""
    title, headings = "", dict[int, str]()
    blocks: list[str] = []
    for tag, text in [*items, ("h1", "")]:
        if tag == "title":
            title = title or text
        elif is_heading(tag):
            if blocks:
                yield title, tuple(headings[level] for level in sorted(headings)), blocks
            level = int(tag[1:])
            headings = {above: heading for above, heading in headings.items() if above < level} | {level: text}
            blocks = []
        elif text:
            blocks.append(text)


def fronts(title: str, headings: Sequence[str]) -> list[str]:
    """Return what may be in front of a passage: one to three headings, with and without numbers, or the title."""
    texts = {"": None}
    for change in (_without_number, str):
        path = [heading for heading in map(change, headings) if heading]
        parts = [path[-count:] for count in (1, 2, 3) if len(path) >= count]
        if len(path) > 2:
            parts.append([path[0], path[-1]])
        if (own := change(title)) and own not in path:
            parts += [[own], [own, *path[-1:]]]
        texts |= {": ".join(part) + ". ": None for part in parts}
    return list(texts)


def _without_number(text: str) -> str:
    return HEADING_NUMBER.sub("", re.sub(r"[¶#§\s\uf0c1]+$", "", text)).strip()


def runs(blocks: Sequence[str], *, at_sentences: bool) -> Iterator[list[str]]:
    """Yield runs of words that begin at a block or, in a long block, at a sentence. A run has at most 115 words."""
    words = [text.split(" ") for text in blocks]
    for number, first in enumerate(words):
        starts = [0]
        if at_sentences and len(first) > 30:
            starts += [place + 1 for place, word in enumerate(first[:-1]) if word[-1:] in ".!?:;)"]
        for start in starts:
            run, block = first[start:], number + 1
            while block < len(words) and len(run) < LONGEST:
                run, block = run + words[block], block + 1
            if len(run) >= SHORTEST:
                yield run[:LONGEST]


class Search:
    """The texts found so far for the digests in `needed`."""

    def __init__(self, needed: set[str], texts: dict[str, str]) -> None:
        self.needed = {bytes.fromhex(key) for key in needed}
        self.texts = texts
        self.seen: set[int] = set()

    def read(self, kind: str, file: Path) -> None:
        """Look for passages in a manual."""
        for items in manuals(kind, file):
            for blocks, at_sentences in variants(items):
                self.match(blocks, at_sentences=at_sentences)

    def match(self, items: Items, *, at_sentences: bool) -> None:
        """Look for passages in blocks."""
        for title, headings, blocks in sections(items):
            begun = [(front, hashlib.sha256(front.encode())) for front in fronts(title, headings)]
            for run in runs(blocks, at_sentences=at_sentences):
                key = hash((title, headings, " ".join(run)))
                if key not in self.seen:
                    self.seen.add(key)
                    self._match(run, begun)

    def _match(self, run: list[str], begun: list[tuple[str, Any]]) -> None:
        pieces = [(" " * (number > 0) + word).encode("utf-8", "surrogatepass") for number, word in enumerate(run)]
        for front, hashed in begun:
            state = hashed.copy()
            for count, piece in enumerate(pieces, start=1):
                state.update(piece)
                if count >= SHORTEST and (key := state.digest()[:8]) in self.needed:
                    self.texts.setdefault(key.hex(), front + " ".join(run[:count]))


def shared_texts(name: str, settings: dict[str, Any]) -> Iterator[str]:
    """Yield the cut texts of a source of the shared training data."""
    starts = tuple(settings["keep"].get(name, [""]))
    with gzip.open(settings["data"] / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if str(row.get("source", "")).startswith(starts):
                for text in (row["positive"], *(row.get("negatives") or [])):
                    yield " ".join(clean(text if isinstance(text, str) else text["text"]).split()[:CUT])


def search_manuals(source: Source, search: Search, folder: Path, seconds: float) -> None:
    """Fetch the packages of a source and read its manuals for at most `seconds`."""
    fetch(source, folder)
    began = time.monotonic()
    for kind, file in files_of(source, folder):
        if time.monotonic() - began > seconds:
            print(f"{source.name}: stopped after {seconds:.0f} s", flush=True)
            return
        try:
            search.read(kind, file)
        except (ValueError, OSError, RecursionError) as error:
            print(f"{file}: {error!r}"[:200], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*", help="all if none is named")
    parser.add_argument("--seconds", type=float, default=120, help="for the manuals of a source, at most")
    arguments, settings = parser.parse_args(), config.load()
    sys.setrecursionlimit(1_000_000)
    folder, target = settings["work"] / "manuals", settings["work"] / "judged" / "rebuilt.jsonl"
    folder.mkdir(exist_ok=True)
    target.parent.mkdir(exist_ok=True)
    kept = folder / "found.json"
    texts: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    rows = keep_judged.read()
    for source in sources():
        own = [row for row in rows if row["source"] == source.name]
        if arguments.sources and source.name not in arguments.sources:
            continue
        needed = {key for row in own for key in row["passages"]}
        if source.packages:
            search_manuals(source, Search(needed, texts), folder, arguments.seconds)
        else:
            texts |= keep_judged.texts_of(own, shared_texts(source.name, settings))
        kept.write_text(json.dumps(texts))
        print(f"{source.name}: {len(needed & set(texts))} of {len(needed)} passages", flush=True)
    whole = keep_judged.with_texts(rows, texts)
    target.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in whole), encoding="utf-8")
    print(f"{len(whole)} of {len(rows)} queries in {target}")


if __name__ == "__main__":
    main()
