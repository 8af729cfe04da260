"""`python training/quantise.py`: calibrates the int8 products of the packaged cross-encoder -> `int8.npz`.

Runs in the package's own environment, on a CPU that OpenVINO supports. It reads pairs of training sources, never an
evaluation set. It ends with the difference of the scores to fp32 on pairs that it was not calibrated on.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

import config
from shortlist import CrossEncoder
from shortlist.inference import activation_ranges as calibration
from shortlist.inference.batches import Tokens, batches
from shortlist.inference.openvino_engine import fold
from shortlist.inference.openvino_int8 import linears
from shortlist.models.packaged import CROSS_ENCODER, ROOT, write_manifest
from shortlist.models.spec import INT8
from sources import read_source

SOURCES = ("docs_sections", "lfrqa", "medquad", "selqa")
QUERIES, NEGATIVES = 60, 2
ROWS = 150
"""Token states kept of each batch."""

States = dict[str, NDArray[np.float32]]


def pairs(settings: dict[str, Any], part: slice) -> list[tuple[str, list[str]]]:
    """Return queries with their positive and some listed negatives."""
    rows_of: list[tuple[str, list[str]]] = []
    for name in SOURCES:
        rng = random.Random(f"{settings['seed']}-int8-{name}")
        file = settings["data"] / f"{name}.jsonl.gz"
        rows = read_source(file, settings["keep"].get(name), part.stop, rng)[part]
        rows_of += [(row["query"], [row["positive"], *row["listed"][:NEGATIVES]]) for row in rows]
    return rows_of


def is_calibrated(name: str) -> bool:
    """Return whether a product runs in int8: no head, no second feed-forward product, no single row."""
    inner = name.startswith("encoder.") and not (name.endswith(".output.dense") and "attention" not in name)
    last = name.startswith("encoder.layer.5.") and not name.endswith((".key", ".value"))
    return inner and not last


def block(name: str) -> str:
    """Return the entry of a product. Query, key and value of a layer read the same input, so they share an entry."""
    return name.rpartition(".")[0] if ".attention.self." in name else name


class Watch:
    """The stages in fp32. The inputs of their linear layers are further outputs."""

    def __init__(self, files: Iterable[Path], entries: calibration.Table) -> None:
        core = openvino.Core()
        self.stages = []
        self.weights: dict[str, list[NDArray[np.float32]]] = {}
        for file in files:
            model = core.read_model(str(file))
            ports: dict[str, openvino.Output] = {}
            products = linears(model, entries)
            fold(model)
            for node in model.get_ops():
                if (linear := products.get(node.get_friendly_name())) is not None:
                    ports.setdefault(linear.entry, node.input_value(0))
                    self.weights.setdefault(linear.entry, []).append(linear.weights)
            results = len(model.outputs)
            model.add_outputs(list(ports.values()))
            self.stages.append(
                (core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}), results, list(ports))
            )

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64], types: NDArray[np.int64]) -> States:
        """Return the input of each entry's layers, `(tokens, in)`, without padding."""
        inputs: States = {}
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        real = mask.astype(bool)
        for model, results, entries in self.stages:
            names = [port.get_any_name() for port in model.inputs]
            outputs = model({name: known[name] for name in names})
            rows = [np.array(outputs[place]) for place in range(len(model.outputs))]
            if results > 1:
                known["states"] = rows[1]
            for entry, states in zip(entries, rows[results:], strict=True):
                inputs[entry] = states[real] if states.shape[:2] == real.shape else states.reshape(-1, states.shape[-1])
        return inputs


def collect(watch: Watch, inputs: list[Tokens]) -> States:
    """Return a sample of every entry's states over all inputs."""
    rng = np.random.default_rng(0)
    samples: dict[str, list[NDArray[np.float32]]] = {}
    for batch in batches(inputs):
        for entry, states in watch(batch.ids, batch.mask, batch.types).items():
            samples.setdefault(entry, []).append(states[rng.permutation(len(states))[:ROWS]])
    return {entry: np.concatenate(rows) for entry, rows in samples.items()}


def smoothed(states: NDArray[np.float32], weights: list[NDArray[np.float32]], share: float) -> NDArray[np.float32]:
    """Return SmoothQuant's divisor of each column, with a geometric mean of 1; `share` is its alpha."""
    largest = np.maximum(np.abs(states).max(axis=0), 1e-5)
    heaviest = np.maximum(np.max([np.abs(matrix).max(axis=1) for matrix in weights], axis=0), 1e-5)
    divisors = largest**share / heaviest ** (1 - share)
    return (divisors / np.exp(np.log(divisors).mean())).astype(np.float32)


def ends(states: NDArray[np.float32]) -> tuple[float, float]:
    """Return the least and the largest value. Nothing is clipped: the few outliers matter more than fine steps."""
    return float(states.min()), float(states.max())


def all_entries(files: Iterable[Path]) -> calibration.Table:
    """Return an empty entry for every product that runs in int8."""
    names = set()
    for file in files:
        for node in openvino.Core().read_model(str(file)).get_ops():
            name = node.get_friendly_name().removesuffix(".weight")
            if node.get_type_name() == "Constant" and name != node.get_friendly_name() and is_calibrated(name):
                names.add(block(name))
    empty = calibration.Activations(np.ones(1, dtype=np.float32), 0.0, 1.0)
    return dict.fromkeys(sorted(names), empty)


def report(model: str, queries: list[tuple[str, list[str]]]) -> None:
    """Print the difference between the fastest precision's scores and fp32."""
    exact, fast = CrossEncoder(model, precision="exact"), CrossEncoder(model)
    pairs_of = [(np.array(exact.score(query, texts)), np.array(fast.score(query, texts))) for query, texts in queries]
    apart = np.concatenate([fast - exact for exact, fast in pairs_of])
    same = np.mean([np.argmax(a) == np.argmax(b) for a, b in pairs_of])
    spread = np.concatenate([a for a, _ in pairs_of]).std()
    print(f"{fast.runtime.shown} and fp32, {len(apart)} pairs, standard deviation of the scores {spread:.2f}:")
    print(
        f"  root mean square {np.sqrt((apart**2).mean()):.3f}, largest {np.abs(apart).max():.3f}, same first {same:.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / CROSS_ENCODER, help="the exported model's folder")
    parser.add_argument("--share", type=float, default=0.85, help="part of an outlier that moves into the weights")
    arguments, settings = parser.parse_args(), config.load()
    named = json.loads((arguments.to / "config.json").read_text(encoding="utf-8"))["shortlist_stages"]
    files = [arguments.to / name for name in named]
    model = CrossEncoder(str(arguments.to), precision="exact")
    queries = pairs(settings, slice(0, QUERIES))
    inputs = [tokens for query, texts in queries for tokens in model.pairs(query, texts)[0]]
    watch = Watch(files, all_entries(files))
    table: calibration.Table = {}
    for entry, states in collect(watch, inputs).items():
        smooth = smoothed(states, watch.weights[entry], arguments.share)
        table[entry] = calibration.Activations(smooth, *ends(states / smooth))
    calibration.write(arguments.to / INT8, table)
    write_manifest(arguments.to)
    print(f"{len(table)} entries from {len(inputs)} pairs")
    report(str(arguments.to), pairs(settings, slice(QUERIES, 2 * QUERIES)))


if __name__ == "__main__":
    main()
