"""The training configuration: `training/config.toml` as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).resolve().parent.parent


def load(path: Path = ROOT / "training" / "config.toml") -> dict[str, Any]:
    """The parsed file, with `data`, `contrast` and `work` as absolute paths."""
    settings = tomllib.loads(path.read_text(encoding="utf-8"))
    for name in ("data", "contrast", "work"):
        settings[name] = (ROOT / settings[name]).resolve()
    settings["work"].mkdir(parents=True, exist_ok=True)
    return settings
