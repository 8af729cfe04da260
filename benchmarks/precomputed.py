"""Stored states against text: `python benchmarks/precomputed.py [--model NAME] [--rounds 15]`.

The script measures three things, in turn in one run:

- the time to score 100 passages of 65 words from their states, and from the text: the median of the ratios
- the time to add the same passages to a new index with and without `precompute`
- the bytes of the states, for a passage of 150 tokens

If the model cannot keep states, the script prints the reason and measures nothing.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import data
import shortlist
from shortlist import CrossEncoder, SearchConfig
from shortlist.collection.states import FILE
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER

POOL, WORDS, TOKENS = 100, 65, 150


def seconds_of(work: Callable[[], object]) -> float:
    """Return the wall-clock time of a call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def passages_of(test: data.TestSet, count: int) -> list[str]:
    """Return texts of `WORDS` words, each from consecutive passages of the set."""
    words = " ".join(passage.text for passage in test.passages).split()
    parts = [words[start : start + WORDS] for start in range(0, len(words) - WORDS, WORDS)]
    return [" ".join(part) for part in parts[:count]]


def scoring(model: CrossEncoder, queries: Sequence[str], texts: Sequence[str], rounds: int) -> dict[str, object]:
    """Return the milliseconds of a pool from states and from text, the ratio, and how close the scores are."""
    states = dict(zip(texts, model.states_of(texts), strict=True))
    stored = model.with_states(lambda given: [states.get(text) for text in given])
    taken: dict[str, list[float]] = {"text": [], "states": []}
    correlations = []
    for number in range(rounds + 2):
        query = queries[number % len(queries)]
        pool = [texts[(number * POOL + place) % len(texts)] for place in range(POOL)]
        scores = {}
        for name, ranker in (("text", model), ("states", stored)):
            began = time.perf_counter()
            scores[name] = list(ranker.score(query, pool))
            taken[name].append((time.perf_counter() - began) * 1000)
        correlations.append(float(np.corrcoef(scores["text"], scores["states"])[0, 1]))
    text, from_states = taken["text"][2:], taken["states"][2:]
    return {
        "passages": POOL,
        "words": WORDS,
        "text_ms": round(statistics.median(text), 1),
        "states_ms": round(statistics.median(from_states), 1),
        "times_faster": round(statistics.median(a / b for a, b in zip(text, from_states, strict=True)), 2),
        "correlation_of_scores": round(statistics.median(correlations), 4),
    }


def adding(model: CrossEncoder, texts: Sequence[str], rounds: int) -> dict[str, object]:
    """Return the seconds to add the texts to a new index with and without states, and the bytes of the states."""
    rows = [{"id": str(place), "text": text} for place, text in enumerate(texts)]
    taken: dict[bool, list[float]] = {False: [], True: []}
    size = 0
    for _ in range(rounds):
        for precompute, times in taken.items():
            with tempfile.TemporaryDirectory() as folder:
                index = Path(folder) / "i"
                with shortlist.open(index, create=True, config=SearchConfig(), reranker=model) as opened:
                    opened.encoder.encode_passages(texts[:1])
                    times.append(
                        seconds_of(lambda o=opened, p=precompute: o.add(rows, precompute=p))  # type: ignore[misc]
                    )
                size = (index / FILE).stat().st_size if precompute else size
    plain, with_states = taken[False], taken[True]
    return {
        "passages": len(rows),
        "bi_encoder": BI_ENCODER,
        "plain_passages_per_s": round(len(rows) / statistics.median(plain), 1),
        "precompute_passages_per_s": round(len(rows) / statistics.median(with_states), 1),
        "times_slower": round(statistics.median(b / a for a, b in zip(plain, with_states, strict=True)), 2),
        "file_bytes_a_passage": round(size / len(rows)),
    }


def state_bytes(model: CrossEncoder, texts: Sequence[str]) -> dict[str, object]:
    """Return the bytes of the states for a passage of `TOKENS` tokens, from the bytes a token."""
    tokens = sum(model.count_tokens(text) + 1 for text in texts)
    a_token = sum(map(len, model.states_of(texts))) / tokens
    return {"bytes_a_token": round(a_token, 1), f"kB_for_{TOKENS}_tokens": round(a_token * TOKENS / 1000, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=CROSS_ENCODER, help="a packaged name or a folder")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--adds", type=int, default=3, help="how often the passages are added")
    parser.add_argument("--passages", type=int, default=600)
    parser.add_argument("--save")
    options = parser.parse_args()
    model = CrossEncoder(options.model)
    if not model.keeps_states:
        print(f"skipped: every layer of {model.info.name} reads a passage together with the query")
        return
    test = data.load("trec_dl19")
    texts = passages_of(test, options.passages)
    out: dict[str, object] = {"model": model.info.name, "runtime": model.runtime.shown}
    parts: dict[str, Callable[[], dict[str, object]]] = {
        "scoring": lambda: scoring(model, list(test.queries.values()), texts, options.rounds),
        "adding": lambda: adding(model, texts, options.adds),
        "size": lambda: state_bytes(model, texts[:100]),
    }
    for name, part in parts.items():
        out[name] = part()
        print(name, out[name], flush=True)
    if options.save:
        data.save(options.save, out)


if __name__ == "__main__":
    main()
