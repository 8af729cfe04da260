"""What int8 arithmetic needs to know of a model's activations, as a file beside its ONNX files."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import ModelError


@dataclass(frozen=True, slots=True)
class Activations:
    """The inputs of a linear layer: each column is divided by its `smooth` `(in,)`, then held in 256 steps.

    `low` and `high` are the ends of the steps, after the division. Columns with outliers are made small and the
    matching rows of the weights large (SmoothQuant, arXiv 2211.10438); the ends are fixed, so that no score depends on
    what else is in its batch.
    """

    smooth: NDArray[np.float32]
    low: float
    high: float


Table = dict[str, Activations]
"""The name of a linear layer, or of several that read the same input, -> its activations."""


def read(file: Path) -> Table:
    """The table that `write` wrote.

    Raises:
        ModelError: The file is missing or is none of this form.
    """
    try:
        with np.load(file) as held:
            names = [name.removesuffix(".smooth") for name in held.files if name.endswith(".smooth")]
            return {
                name: Activations(held[f"{name}.smooth"], *(float(end) for end in held[f"{name}.ends"]))
                for name in names
            }
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{file} holds no calibration for int8: {error}") from error


def write(file: Path, table: Table) -> None:
    """Writes the table."""
    arrays: dict[str, NDArray[np.float32]] = {}
    for name, one in table.items():
        arrays[f"{name}.smooth"] = one.smooth
        arrays[f"{name}.ends"] = np.array([one.low, one.high], dtype=np.float32)
    np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes a flag by that place


def of(name: str, table: Table) -> tuple[str, Activations] | None:
    """The entry for the linear layer `name`, its own or that of its block, with the entry's name."""
    for key in (name, name.rpartition(".")[0]):
        if key in table:
            return key, table[key]
    return None
