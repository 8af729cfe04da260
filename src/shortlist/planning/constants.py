"""What one passage and one query cost, each number with the benchmark that measured it.

`tests/planning/test_constants.py` compares every number with the saved result of its benchmark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EPYC = "two cores of an AMD EPYC with AVX-512, VNNI and bf16"
SIZES = "two cores of an AMD EPYC; sizes do not depend on the CPU"
XEON = "two cores of an Intel Xeon with AVX-512, VNNI and AMX"
RESULTS = "benchmarks/results/"
QDRANT_PAGE = "https://qdrant.tech/documentation/capacity-planning (read in November 2026)"


@dataclass(frozen=True, slots=True)
class Constant:
    """One number. `source` is the file or the page that has it, and `machine` the machine that measured it.

    `measured` is False for a number that comes from the documentation of others.
    """

    value: float
    unit: str
    meaning: str
    source: str
    machine: str
    measured: bool = True


def _speed(value: float, words: int, kind: str) -> Constant:
    meaning = f"to score a passage of {words} words ({kind})"
    return Constant(value, "core-ms", meaning, f"{RESULTS}speed.json", EPYC)


def _size(value: float, unit: str, meaning: str) -> Constant:
    return Constant(value, unit, meaning, f"{RESULTS}sizes.json", SIZES)


def _large(value: float, unit: str, meaning: str) -> Constant:
    return Constant(value, unit, meaning, f"{RESULTS}large.json", XEON)


CONSTANTS: Mapping[str, Constant] = {
    "pair_auto_65": _speed(9.1, 65, "default precision"),
    "pair_auto_193": _speed(28.0, 193, "default precision"),
    "pair_exact_65": _speed(22.86, 65, "fp32"),
    "pair_exact_193": _speed(73.76, 193, "fp32"),
    "states_share": Constant(
        0.44, "", "the time of a pair with stored states, as a share of the time from text",
        "docs/indexing.md, benchmarks/precomputed.py", EPYC,
    ),
    "state_bytes": Constant(
        130, "bytes", "of disk for a token with stored states", "docs/indexing.md, benchmarks/precomputed.py", SIZES
    ),
    "encode_core_ms": Constant(
        12.78, "core-ms", "to encode a passage of 65 words for the index", f"{RESULTS}index.json", EPYC
    ),
    "write_core_ms": Constant(0.28, "core-ms", "to write a passage into the engine", f"{RESULTS}index.json", EPYC),
    "encode_query_ms": Constant(2.3, "ms", "to encode a query", f"{RESULTS}index.json", EPYC),
    "dense_ms": Constant(
        14.8, "ms", "for exact search over 100,000 vectors of 384 numbers on two cores", f"{RESULTS}index.json", EPYC
    ),
    "bm25_ms": Constant(2.0, "ms", "for BM25 over 100,000 passages on two cores", f"{RESULTS}index.json", EPYC),
    "exact_largest": Constant(
        100_000, "passages", "in the largest embedded index that is searched exactly", f"{RESULTS}index.json", EPYC
    ),
    "embedded_largest": _large(1_000_000, "passages", "in the largest embedded index that was measured"),
    "compact_dense_core_ms": _large(45.4, "core-ms", "for 1,000,000 compact vectors of 384 numbers"),
    "compact_bm25_core_ms": _large(8.2, "core-ms", "for BM25 over 1,000,000 passages"),
    "compact_memory": _large(1935.7, "bytes", "of memory for a passage with a compact vector of 384 numbers"),
    "server_bytes": Constant(
        597 * 2**20, "bytes", "of memory for a server with both models under load", f"{RESULTS}serve-flood.json", EPYC
    ),
    "tokens_per_word": _size(1.36, "tokens", "for a word of English"),
    "disk_passage": _size(611.1, "bytes", "of disk for a passage, besides its words and its vector"),
    "disk_number": _size(4.0, "bytes", "of disk for a number of a vector"),
    "disk_word": _size(8.414, "bytes", "of disk for a word: text and BM25"),
    "memory_passage": _size(1560.2, "bytes", "of memory for a passage, besides its words and its vector"),
    "memory_number": _size(3.94, "bytes", "of memory for a number of a vector in an embedded index"),
    "memory_word": _size(10.353, "bytes", "of memory for a word: text and BM25"),
    "qdrant_number": Constant(
        6.0, "bytes", "of memory for a number of a vector in Qdrant, with its index", QDRANT_PAGE, "not measured here",
        measured=False,
    ),
    "qdrant_int8": Constant(
        1.5, "bytes", "of memory for a number of a vector in Qdrant in int8, with full vectors on disk", QDRANT_PAGE,
        "not measured here", measured=False,
    ),
}  # fmt: skip

ASSUMPTIONS = (
    "The time of a passage grows in a straight line with its words, and stage one with the passages.",
    "Cores have the speed of the measured ones. More than two cores were not measured: twice the cores, half the time.",
    "Queries arrive at random and wait in order (M/D/1). A server is busy at most 70 % of the time.",
    "A plan fills at most 80 % of the memory of a machine.",
    "Each server of an embedded index has its own copy of the folder.",
)
