"""Contrast cards from our own frames: two passages that differ in the words that matter, a query for each.

A frame is three lines: a passage with {{left|right}} alternations and two queries. Slots such as {place} are
filled from the word lists below in an order fixed by the seed, so that a model cannot learn a name by heart.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

Card = dict[str, Any]
"""frame (its number), kind, a, b, query_a, query_b."""
Frame = tuple[str, str, str, str]
"""kind, passage, query_a, query_b."""
ALTERNATION = re.compile(r"\{\{(.*?)\|(.*?)\}\}(?!\})")
SLOT = re.compile(r"\{(\w+)\}")
CARDS_PER_FRAME = 22
CARDS_PER_FIXED_FRAME = 14  # of a frame with fewer than two slots: its cards differ in their surroundings only
LONG = 45  # words; a passage of this length gets no neutral sentences

SOFT = [
    "Larkspur",
    "Quillon",
    "Mossbit",
    "Tarnet",
    "Fernio",
    "Cobaltine",
    "Wickery",
    "Saltbox",
    "Umbrelo",
    "Draftwood",
    "Pinion",
    "Oriel",
    "Kestro",
    "Bramble",
    "Lumenad",
    "Vireo",
    "Cinderly",
    "Hollow",
    "Maplet",
    "Novara",
    "Plumbob",
    "Skerry",
    "Tidemark",
    "Zephyrine",
    "Grovel",
    "Anvilly",
    "Quartzo",
    "Rookery",
]
PLACE = [
    "Orrin",
    "Velmora",
    "Castlebeck",
    "Sundholm",
    "Harrow",
    "Tessaly",
    "Minderau",
    "Port",
    "Averil",
    "Lowmere",
    "Kirrin",
    "Dalby",
    "Estrava",
    "Hollin",
    "Marrowfield",
    "Ninevale",
    "Ostrand",
    "Penhallow",
    "Quessant",
    "Ridder",
    "Stavoren",
    "Thornby",
    "Ulmen",
    "Vasterby",
    "Wexcombe",
    "Yarrow",
    "Zelten",
]
PERSON = [
    "Mira Aldane",
    "Jon Bexley",
    "Ines Corvane",
    "Petra Dunmore",
    "Tomas Elgin",
    "Ruth Farrow",
    "Oskar Gell",
    "Anna Hildebrook",
    "Ivo Jarrett",
    "Klara Lindqvist",
    "Nils Morrow",
    "Edda Norrington",
    "Paul Ostrander",
    "Greta Pell",
    "Samir Quayle",
    "Lena Rookwood",
    "Hugo Sandoval",
    "Tilda Umber",
    "Victor Wayland",
    "Yusuf Zeller",
    "Carla Ashdown",
    "Bruno Castell",
]
FIRM = """Halvard & Sons|Brightwater Tools|Corning Lane|Delmar Freight|Eastgate Optics|Fennel Foods|Garland Shipping
Hexham Cycles|Ironside Labs|Juniper House|Kelpie Outdoor|Lodestar Paper|Marram Energy|Northpier Books""".replace(
    "\n", "|"
).split("|")
SPECIES = """marsh otter|grey tarnbird|blue reedling|sand marten|river lynx|hill dormouse|black skimmer|stone loach
moor hare|silver vole|tufted diver|crested newt|pine grouse|rock martin""".replace("\n", "|").split("|")
DRUG = [
    "veltanol",
    "coramide",
    "nestiprin",
    "oraxil",
    "duvatrine",
    "palmecid",
    "tesovan",
    "ribalgin",
    "quinoret",
    "zemafil",
    "ludarin",
    "hestozan",
    "mirtacol",
    "sebutrol",
]
THING = """full-text search engine|key-value store|graph database|document database|time-series database
message queue|cache|job queue|note store|log archive|feature store|geodatabase|metrics store""".replace(
    "\n", "|"
).split("|")
MONTH = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def read_frames(path: Path) -> list[Frame]:
    """Return every frame of a file, or of the files of a folder."""
    files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    return [frame for file in files for frame in _frames_of(file)]


def _frames_of(path: Path) -> list[Frame]:
    frames, kind = [], ""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line]
        if lines and lines[0].startswith("# "):
            kind = lines.pop(0)[2:]
        if not lines:
            continue
        if len(lines) != 3:
            raise SystemExit(f"{path}: a frame has three lines, this one {len(lines)}: {lines[0]}")
        frames.append((kind, lines[0], lines[1], lines[2]))
    return frames


def fill(rng: random.Random) -> dict[str, str]:
    """Return a value for each slot. Slots of a pair (place and town, n and m) always differ."""
    soft, softer = rng.sample(SOFT, 2)
    place, town = rng.sample(PLACE, 2)
    person, other = rng.sample(PERSON, 2)
    firm, maker = rng.sample(FIRM, 2)
    drug, remedy = rng.sample(DRUG, 2)
    n, m = rng.sample(range(2, 60), 2)
    year = rng.randrange(1790, 2000)
    return {
        "soft": soft,
        "softer": softer,
        "place": place,
        "town": town,
        "person": person,
        "other": other,
        "firm": firm,
        "maker": maker,
        "drug": drug,
        "remedy": remedy,
        "n": str(n),
        "m": str(m),
        "year": str(year),
        "later": str(year + rng.randrange(1, 40)),
        "species": rng.choice(SPECIES),
        "thing": rng.choice(THING),
        "month": rng.choice(MONTH),
    }


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?]) ", text)


def cards(folder: Path, seed: int) -> list[Card]:
    """Return the cards of every frame in the folder's files."""
    return cards_of(read_frames(folder), seed)


def cards_of(frames: list[Frame], seed: int) -> list[Card]:
    """Return each frame filled several times.

    Half of the short passages get one or two neutral sentences of other frames, so that the decisive words can be
    anywhere in a longer text.
    """
    rng = random.Random(seed)
    fillers = [
        part
        for _, passage, _, _ in frames
        if len(passage.split()) < LONG and not re.search(r"\{\{|\}\}", part := sentences(passage)[-1])
    ]
    return [
        {"frame": number} | _card(frame, fill(rng), fillers if len(frame[1].split()) < LONG else [], rng)
        for number, frame in enumerate(frames)
        for _ in range(CARDS_PER_FRAME if len(set(SLOT.findall(" ".join(frame)))) > 1 else CARDS_PER_FIXED_FRAME)
    ]


def _card(frame: Frame, words: dict[str, str], fillers: list[str], rng: random.Random) -> Card:
    kind, passage, query_a, query_b = frame
    before, after = (rng.sample(fillers, rng.choice((0, 0, 1, 2))) if fillers else [] for _ in range(2))
    whole = " ".join([*before, passage, *after])
    sides = (ALTERNATION.sub(side, whole) for side in (r"\1", r"\2"))
    a, b, query_a, query_b = (_filled(text, words) for text in (*sides, query_a, query_b))
    return {"kind": kind, "a": a, "b": b, "query_a": query_a, "query_b": query_b}


def _filled(text: str, words: dict[str, str]) -> str:
    filled = SLOT.sub(lambda slot: words[slot[1]], text)
    return filled[:1].upper() + filled[1:]


def different(every: list[Card], most: int) -> list[Card]:
    """Return at most `most` different cards of each frame. A long frame without slots has only one."""
    frames: dict[int, dict[tuple[str, ...], Card]] = {}
    for card in every:
        own = frames.setdefault(card["frame"], {})
        if len(own) < most:
            own[tuple(card[part] for part in ("a", "b", "query_a", "query_b"))] = card
    return [card for own in frames.values() for card in own.values()]
