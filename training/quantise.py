"""Step 4, `python training/quantise.py`: calibrates the int8 products of the packaged cross-encoder, writes int8.npz.

Runs in the package's own environment, on a CPU that OpenVINO knows. It reads pairs of training sources, never an
evaluation set, and ends with how far the scores are from fp32 on pairs that it was not calibrated on.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

import config
from mine_sources import read_source
from shortlist import CrossEncoder
from shortlist.inference import activation_ranges as calibration
from shortlist.inference.batches import Tokens, batches
from shortlist.inference.openvino_engine import fold
from shortlist.inference.openvino_int8 import linears
from shortlist.models.packaged import CROSS_ENCODER, ROOT, write_manifest
from shortlist.models.spec import INT8

SOURCES = ("docs_sections", "lfrqa", "medquad", "selqa")
QUERIES, NEGATIVES = 60, 2
ROWS = 150
"""Token states kept of each batch."""

States = dict[str, NDArray[np.float32]]


def pairs(settings: dict[str, Any], part: slice) -> list[tuple[str, list[str]]]:
    """Queries with their positive and some listed negatives."""
    out = []
    for name in SOURCES:
        rng = random.Random(f"{settings['seed']}-int8-{name}")
        file = settings["data"] / f"{name}.jsonl.gz"
        rows = read_source(file, settings["keep"].get(name), part.stop, rng)[part]
        out += [(row["query"], [row["positive"], *row["listed"][:NEGATIVES]]) for row in rows]
    return out


def wanted(name: str) -> bool:
    """Which products are calibrated: not the heads, the second of a feed-forward, nor the last layer's one row."""
    inner = name.startswith("encoder.") and not (name.endswith(".output.dense") and "attention" not in name)
    last = name.startswith("encoder.layer.5.") and not name.endswith((".key", ".value"))
    return inner and not last


def block(name: str) -> str:
    """Query, key and value of a layer read the same input, so they share an entry."""
    return name.rpartition(".")[0] if ".attention.self." in name else name


class Watch:
    """The stages in fp32, with the inputs of their linear layers among their outputs."""

    def __init__(self, files: Iterable[Path], entries: calibration.Table) -> None:
        core = openvino.Core()
        self.stages = []
        self.weights: dict[str, list[NDArray[np.float32]]] = {}
        for file in files:
            model = core.read_model(str(file))
            ports: dict[str, openvino.Output] = {}
            found = linears(model, entries)
            fold(model)
            for node in model.get_ops():
                if (linear := found.get(node.get_friendly_name())) is not None:
                    ports.setdefault(linear.entry, node.input_value(0))
                    self.weights.setdefault(linear.entry, []).append(linear.weights)
            results = len(model.outputs)
            model.add_outputs(list(ports.values()))
            self.stages.append(
                (core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}), results, list(ports))
            )

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64], types: NDArray[np.int64]) -> States:
        """What each entry's layers read, `(tokens, in)`, padding left out."""
        out: States = {}
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        real = mask.astype(bool)
        for model, results, entries in self.stages:
            made = model({one.get_any_name(): known[one.get_any_name()] for one in model.inputs})
            rows = [np.array(made[place]) for place in range(len(model.outputs))]
            if results > 1:
                known["states"] = rows[1]
            for entry, states in zip(entries, rows[results:], strict=True):
                out[entry] = states[real] if states.shape[:2] == real.shape else states.reshape(-1, states.shape[-1])
        return out


def collect(watch: Watch, inputs: list[Tokens]) -> States:
    """A sample of every entry's states over all inputs."""
    rng = np.random.default_rng(0)
    held: dict[str, list[NDArray[np.float32]]] = {}
    for batch in batches(inputs):
        for entry, states in watch(batch.ids, batch.mask, batch.types).items():
            held.setdefault(entry, []).append(states[rng.permutation(len(states))[:ROWS]])
    return {entry: np.concatenate(rows) for entry, rows in held.items()}


def smoothed(states: NDArray[np.float32], weights: list[NDArray[np.float32]], share: float) -> NDArray[np.float32]:
    """SmoothQuant's divisor of each column, with a geometric mean of 1; `share` is its alpha."""
    largest = np.maximum(np.abs(states).max(axis=0), 1e-5)
    heaviest = np.maximum(np.max([np.abs(one).max(axis=1) for one in weights], axis=0), 1e-5)
    found = largest**share / heaviest ** (1 - share)
    return (found / np.exp(np.log(found).mean())).astype(np.float32)


def ends(states: NDArray[np.float32]) -> tuple[float, float]:
    """The least and the largest value seen. Nothing is clipped: the few far-out values carry more than fine steps."""
    return float(states.min()), float(states.max())


def all_entries(files: Iterable[Path]) -> calibration.Table:
    """An empty entry for every product that is to be calibrated."""
    names = set()
    for file in files:
        for node in openvino.Core().read_model(str(file)).get_ops():
            name = node.get_friendly_name().removesuffix(".weight")
            if node.get_type_name() == "Constant" and name != node.get_friendly_name() and wanted(name):
                names.add(block(name))
    nothing = calibration.Activations(np.ones(1, dtype=np.float32), 0.0, 1.0)
    return dict.fromkeys(sorted(names), nothing)


def report(model: str, held: list[tuple[str, list[str]]]) -> None:
    """Prints how far the fastest precision's scores are from fp32."""
    exact, fast = CrossEncoder(model, precision="exact"), CrossEncoder(model)
    pairs_of = [(np.array(exact.score(query, texts)), np.array(fast.score(query, texts))) for query, texts in held]
    apart = np.concatenate([fast - exact for exact, fast in pairs_of])
    same = np.mean([np.argmax(a) == np.argmax(b) for a, b in pairs_of])
    spread = np.concatenate([a for a, _ in pairs_of]).std()
    print(f"{fast.runtime.shown} beside fp32, {len(apart)} pairs, scores spread {spread:.2f}:")
    print(
        f"  root mean square {np.sqrt((apart**2).mean()):.3f}, largest {np.abs(apart).max():.3f}, same first {same:.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / CROSS_ENCODER, help="the exported model's folder")
    parser.add_argument("--share", type=float, default=0.85, help="of an outlier that moves into the weights")
    asked, settings = parser.parse_args(), config.load()
    files = [asked.to / f"stage-{layer}.onnx" for layer in settings["train"]["exits"]]
    model = CrossEncoder(str(asked.to), precision="exact")
    inputs = [one for query, texts in pairs(settings, slice(0, QUERIES)) for one in model.pairs(query, texts)[0]]
    watch = Watch(files, all_entries(files))
    table: calibration.Table = {}
    for entry, states in collect(watch, inputs).items():
        smooth = smoothed(states, watch.weights[entry], asked.share)
        table[entry] = calibration.Activations(smooth, *ends(states / smooth))
    calibration.write(asked.to / INT8, table)
    write_manifest(asked.to)
    print(f"{len(table)} entries from {len(inputs)} pairs")
    report(str(asked.to), pairs(settings, slice(QUERIES, 2 * QUERIES)))


if __name__ == "__main__":
    main()
