"""Contrast cards from our own frames: two passages that differ in the words that matter, a query for each.

A frame is three lines: a passage with {{left|right}} alternations and two queries. Slots such as {place} are
filled from the word lists below, in an order fixed by the seed, so that a model can't learn a name by heart.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

ALTERNATION = re.compile(r"\{\{(.*?)\|(.*?)\}\}(?!\})")
SLOT = re.compile(r"\{(\w+)\}")
CARDS_PER_FRAME = 22

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


def read_frames(path: Path) -> list[tuple[str, str, str, str]]:
    """`(kind, passage, query_a, query_b)` of every frame in the file."""
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
    """One value a slot; paired slots (place and town, n and m...) always differ."""
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


def cards(path: Path, seed: int) -> list[dict[str, Any]]:
    """Every frame filled `CARDS_PER_FRAME` times: kind, both passages, both queries.

    In half of the cards a neutral sentence or two of another frame stand around the passage, so that the
    decisive words lie anywhere in a longer text.
    """
    rng = random.Random(seed)
    frames = read_frames(path)
    fillers = [part for _, passage, _, _ in frames if not re.search(r"\{\{|\}\}", part := sentences(passage)[-1])]
    out = []
    for kind, passage, query_a, query_b in frames:
        for _ in range(CARDS_PER_FRAME):
            words = fill(rng)
            before = rng.sample(fillers, rng.choice((0, 0, 1, 2)))
            after = rng.sample(fillers, rng.choice((0, 0, 1, 2)))
            whole = " ".join([*before, passage, *after])

            def said(text: str, words: dict[str, str] = words) -> str:
                made = SLOT.sub(lambda slot: words[slot[1]], text)
                return made[:1].upper() + made[1:]

            slotted = SLOT.sub(lambda slot, words=words: words[slot[1]], whole)
            a, b = ALTERNATION.sub(r"\1", slotted), ALTERNATION.sub(r"\2", slotted)
            out.append(
                {
                    "kind": kind,
                    "a": a[:1].upper() + a[1:],
                    "b": b[:1].upper() + b[1:],
                    "query_a": said(query_a),
                    "query_b": said(query_b),
                }
            )
    return out
