"""How often a passage begins in the middle of a sentence, over the pages of a folder.

python benchmarks/passage_cuts.py FOLDER [--most 200] [--show 20]
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from pathlib import Path

from shortlist.documents import Skipped, discover, read
from shortlist.registry import make_splitter
from shortlist.types import Document, Passage

ENDED = re.compile("[.!?:;\u2026\u3002\uff01\uff1f\uff1a\uff1b][\\s\"'\u201d\u2019\u00bb)\\]}*_`>]*$")
"""The end of a sentence, or of a clause that introduces something."""
ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|cf|vs|approx|Mr|Mrs|Dr|Prof)\.$")
STARTS_LINE = re.compile(r"\s*(?:[-*+•·o#|>:=~`$%@\[]|\d+[.)]|\(?\w[.)]\s|--?\w|\.\.)")
"""A line that begins something of its own: an item, a heading, a row, code, an option, a definition."""


def begins_in_a_sentence(text: str, start: int, wrapped: bool = True) -> bool:
    """Return whether the text before `start` is an unfinished sentence that the text at `start` continues.

    The function knows nothing about the splitter. A blank line, the end of a sentence and a change of the indentation
    end a sentence. So does a line end, if the first word of the next line had room on the line, and the next line
    begins with a capital letter, a digit or a mark. In text that is not `wrapped`, every line end ends a sentence.
    """
    before = text[:start].rstrip()
    gap = text[len(before) : start]
    if not before or re.search(r"\n[ \t]*\n", gap):
        return False
    if ENDED.search(before[-20:]):
        return ABBREVIATION.search(before[-8:]) is not None
    if "\n" not in gap or not wrapped:
        return "\n" not in gap
    line_start = before.rfind("\n") + 1
    line, following = before[line_start:], text[text.rfind("\n", 0, start) + 1 :].split("\n", 1)[0]
    if STARTS_LINE.match(following) or _in_fence(before) or _indent(line) != _indent(following):
        return False
    width = max(map(len, text[max(0, start - 2000) : start + 2000].split("\n")))
    short = len(line) + 1 + len(following.split()[0]) <= min(width, 80)
    return not (short and not following.lstrip()[:1].islower()) and "|" not in following


def _in_fence(before: str) -> bool:
    return len(re.findall(r"^[ \t]*(?:```|~~~)", before, re.MULTILINE)) % 2 == 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def documents(folder: Path, most: int) -> list[Document]:
    """Return the documents of at most `most` files, taken evenly from the files in the order of their names."""
    sources, _ = discover([folder])
    step = max(len(sources) / most, 1.0)
    chosen = [sources[int(place * step)] for place in range(min(most, len(sources)))]
    return [item for source in chosen for item in read(source) if not isinstance(item, Skipped)]


def starts(document: Document, passages: list[Passage]) -> Iterator[tuple[Passage, bool]]:
    wrapped = document.metadata["format"] not in ("html", "docx")
    for passage in passages[1:]:
        yield passage, begins_in_a_sentence(document.text, passage.start, wrapped)


OPTION = re.compile(r"[*_`]{0,3}-{1,2}[A-Za-z0-9?#][^.!?]{0,80}")


def ends_in_a_lead(passage: Passage) -> bool:
    """Return whether the last line of a passage introduces what follows: it is an option, or it ends with a colon."""
    line = passage.text.rsplit("\n", 1)[-1].strip()
    return OPTION.fullmatch(line) is not None or line.endswith((":", "::"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=200)
    parser.add_argument("--show", type=int, default=0, help="print so many of the passages")
    options = parser.parse_args()
    pages = documents(options.folder, options.most)
    splitter = make_splitter()
    began = time.perf_counter()
    split = [(page, splitter.split(page)) for page in pages]
    seconds = time.perf_counter() - began
    found = [(page, passage, inside) for page, passages in split for passage, inside in starts(page, passages)]
    bad = [(page, passage) for page, passage, inside in found if inside]
    total = sum(len(passages) for _, passages in split)
    characters = sum(len(page.text) for page in pages)
    print(f"{len(pages)} pages, {characters} characters, {total} passages, {seconds:.1f} s to split")
    print(f"{len(bad)} passages begin in the middle of a sentence: {100 * len(bad) / max(total, 1):.2f} %")
    leads = [(page, passage) for page, passages in split for passage in passages[:-1] if ends_in_a_lead(passage)]
    print(f"{len(leads)} passages end in an option or a colon: {100 * len(leads) / max(total, 1):.2f} %")
    for page, passage in leads[:: max(len(leads) // max(options.show, 1), 1)][: options.show]:
        print(f"--- {passage.id}\n{passage.text[-120:]}⟧{page.text[passage.end : passage.end + 90]}")
    for page, passage in bad[:: max(len(bad) // max(options.show, 1), 1)][: options.show]:
        before = page.text[max(0, passage.start - 90) : passage.start]
        print(f"--- {passage.id}\n{before}⟦{passage.text[:90]}")


if __name__ == "__main__":
    main()
