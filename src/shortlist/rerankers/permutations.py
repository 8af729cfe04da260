"""Sliding windows over a ranked list, the prompt of a window, and the order in a model's answer. No I/O.

Source:
    Sun et al., "Is ChatGPT Good at Search? Investigating Large Language Models as Re-Ranking Agents" (RankGPT), EMNLP
    2023, arXiv 2304.09542. The prompt in a single message is that of Pradeep et al., "RankZephyr", arXiv 2312.02724.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

WINDOW = 20
STEP = 10
MAX_WORDS = 300
"""The words that a prompt shows of a passage, as in RankGPT."""
MAX_CHARACTERS = 2400
"""The characters that a prompt shows of a passage, for texts without spaces between words."""
SYSTEM = "You are RankGPT, an intelligent assistant that can rank passages based on their relevancy to the query."
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_IDENTIFIER = re.compile(r"\[\s*(\d+)\s*\]")
_CHAIN = re.compile(r"\[\s*\d+\s*\](?:[\s>,;]+\[\s*\d+\s*\])+")
_BARE = re.compile(r"\d+(?:[\s>,;]+\d+)+")
_NUMBER = re.compile(r"\d+")
_LONGEST_NUMBER = 6
"""Numbers with more digits are unknown, whatever the window."""


@dataclass(frozen=True, slots=True)
class WindowOrder:
    """The order of one window: `places` has each place of the window once, best first.

    `missing` counts the passages that the answer does not name: they follow in their earlier order. `repeated` and
    `unknown` count the numbers that were left out, because they were named before, or are no passage of the window. If
    the answer names no passage of the window, `readable` is False, the order is the earlier one, and the counts are 0.
    """

    places: list[int]
    missing: int = 0
    repeated: int = 0
    unknown: int = 0
    readable: bool = True


def windows(count: int, size: int = WINDOW, step: int = STEP) -> list[tuple[int, int]]:
    """Return the windows over a list of `count` entries as (start, end), from the back of the list to the front.

    The last window starts at 0, so every entry is in a window. Fewer than two entries have no windows.
    """
    if count < 2:
        return []
    spans = []
    end = count
    while True:
        start = max(0, end - size)
        spans.append((start, end))
        if not start:
            return spans
        end -= step


def shortened(text: str) -> tuple[str, bool]:
    """Return the part of a passage that a prompt shows, on one line, and whether the passage was cut.

    Numbers in square brackets become numbers in round brackets, because square brackets mark the passages.
    """
    words = text.split()
    shown = " ".join(words[:MAX_WORDS])
    cut = len(words) > MAX_WORDS or len(shown) > MAX_CHARACTERS
    return _IDENTIFIER.sub(r"(\1)", shown[:MAX_CHARACTERS]), cut


def messages(query: str, texts: Sequence[str]) -> list[dict[str, str]]:
    """Return the chat messages that ask for the order of the texts. The texts are those of `shortened`."""
    count = len(texts)
    numbered = "\n\n".join(f"[{number}] {text}" for number, text in enumerate(texts, start=1))
    task = (
        f"I will provide you with {count} passages, each indicated by a numerical identifier []. Rank the passages "
        f"based on their relevance to the search query: {query}\n\n{numbered}\n\nSearch query: {query}\n\n"
        f"Rank the {count} passages above based on their relevance to the search query. All the passages should be "
        "included and listed using identifiers, in descending order of relevance. The output format should be "
        "[] > [], e.g., [2] > [1]. Only respond with the ranking results, do not say any word or explain."
    )
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": task}]


def read_order(answer: str, count: int) -> WindowOrder:
    """Return the order that an answer gives the `count` passages of a window.

    The function reads the last of the longest chains "[2] > [1]", or else every identifier "[2]", or else the longest
    run of plain numbers. Thoughts between <think> and </think> are ignored.
    """
    places: list[int] = []
    repeated = unknown = 0
    for number in _numbers(_THOUGHT.sub(" ", answer)):
        place = int(number) - 1 if len(number) <= _LONGEST_NUMBER else count
        if not 0 <= place < count:
            unknown += 1
        elif place in places:
            repeated += 1
        else:
            places.append(place)
    if not places:
        return WindowOrder(list(range(count)), readable=False)
    rest = [place for place in range(count) if place not in places]
    return WindowOrder([*places, *rest], len(rest), repeated, unknown)


def _numbers(text: str) -> list[str]:
    for pattern in (_CHAIN, _BARE if not _IDENTIFIER.search(text) else _IDENTIFIER):
        chains = [_NUMBER.findall(match.group()) for match in pattern.finditer(text)]
        if pattern is _IDENTIFIER:
            return [number for chain in chains for number in chain]
        if chains:
            longest = max(map(len, chains))
            return [chain for chain in chains if len(chain) == longest][-1]
    return [text.strip()] if text.strip().isdecimal() else []
