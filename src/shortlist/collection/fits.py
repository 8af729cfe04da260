"""Stop rules and probability curves as JSON files in a folder. A fit belongs to one way to search."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shortlist.collection.place import FolderFiles, TextFiles
from shortlist.config.search_config import FUSION
from shortlist.errors import NotFitted
from shortlist.protocols import HasWeights, Reranker
from shortlist.search.gate import Gate
from shortlist.search.probability import Calibration, Isotonic, Platt
from shortlist.search.scores import info_of
from shortlist.search.stopping import Guarantee, StopRule
from shortlist.types import Note

VERSION = 2
STOP_RULE, CALIBRATION, GATE = "stop-rule.json", "calibration.json", "gate.json"
FITS = (STOP_RULE, CALIBRATION, GATE)
"""The files of all fits. A copy of an index has each of them."""
HINT = "make it with: shortlist calibrate QUERIES --index DIR"


@dataclass(frozen=True, slots=True)
class StoredFits:
    """The fits in `place` for one way to search. Satisfies `protocols.Fits`. `place` is a folder, or texts elsewhere.

    A fit (a stop rule or a curve) is valid only for the bi-encoder, retriever, query expansion, reranker and weights of
    its calibration. `count` returns the current number of passages, or None if the number is unknown. If the number
    differs from that of the calibration, the fit gives a note. `fusion` is the fusion weight of the retriever, for the
    command that a message proposes.
    """

    place: Path | TextFiles
    bi_encoder: str
    retriever: str
    reranker: Reranker | None
    count: Callable[[], int | None]
    fusion: float = FUSION

    def _hint(self, now: Mapping[str, Any]) -> str:
        """The command that makes a fit for a search with these settings."""
        return HINT + self._options(now)

    def _options(self, now: Mapping[str, Any]) -> str:
        """The options of that command, each after a space."""
        fusion = "" if self.fusion == FUSION else f" --fusion {self.fusion}"
        return fusion + (f" --expand {now['expand']}" if "expand" in now else "")

    def _missing(self, code: str, now: Mapping[str, Any]) -> Note:
        """The note that no fit is stored. Its `options` are those of `_options`, if there are any."""
        options = self._options(now)
        return Note(code, reason="not_fitted", **({"options": options} if options else {}))

    def _damaged(self, file: str, error: Exception) -> NotFitted:
        return NotFitted(f"{file} is damaged ({error}): {self._hint({})}")

    @property
    def _files(self) -> TextFiles:
        return FolderFiles(self.place) if isinstance(self.place, Path) else self.place

    def made_for(self, weights: Mapping[str, float], expand: str | None = None) -> dict[str, Any]:
        """Return the settings that a fit depends on."""
        reranker = self.reranker
        return {
            "bi_encoder": self.bi_encoder,
            "retriever": self.retriever,
            "reranker": info_of(reranker).name if reranker is not None else "none",
            "reranker_weights": reranker.weights_hash() if isinstance(reranker, HasWeights) else "",
            "weights": dict(weights),
            **({} if expand is None else {"expand": expand}),
        }

    def stop_rule(self, weights: Mapping[str, float], expand: str | None = None) -> tuple[StopRule | None, list[Note]]:
        """Return the stored rule and notes about it. A missing rule gives None and a note.

        Raises:
            NotFitted: The file is damaged, or the rule was made for something else.
        """
        now = self.made_for(weights, expand)
        fit = self._read(STOP_RULE, now)
        if fit is None:
            return None, [self._missing("no_stop_rule", now)]
        with self._reading(STOP_RULE):
            rule = StopRule(
                int(fit["pool_size"]), int(fit["top_k"]), _threshold(fit), int(fit["block"]), _guarantee(fit)
            )
        return rule, self._outdated(fit, "stop_rule", now)

    def gate(self, weights: Mapping[str, float], expand: str | None = None) -> tuple[Gate | None, list[Note]]:
        """Return the stored gate and notes about it. A missing gate gives None and a note.

        Raises:
            NotFitted: The file is damaged, or the gate was made for something else.
        """
        now = self.made_for(weights, expand)
        fit = self._read(GATE, now)
        if fit is None:
            return None, [self._missing("no_gate", now)]
        with self._reading(GATE):
            gate = Gate(str(fit["signal"]), _threshold(fit), int(fit["pool_size"]), _guarantee(fit))
        return gate, self._outdated(fit, "gate", now)

    def calibration(self, weights: Mapping[str, float], expand: str | None = None) -> tuple[Calibration, list[Note]]:
        """Return the stored curve from score to probability, and notes about it.

        Raises:
            NotFitted: There is no curve, the file is damaged, or the curve was made for something else.
        """
        now = self.made_for(weights, expand)
        fit = self._read(CALIBRATION, now)
        if fit is None:
            place, hint = self._files.shown(""), self._hint(now)
            raise NotFitted(f"{place} has no {CALIBRATION}, so scores have no probabilities: {hint}")
        with self._reading(CALIBRATION):
            curve = _curve(fit), self._outdated(fit, "calibration", now)
        return curve

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Turn the errors of a fit with missing or wrong values into one that names its file."""
        try:
            yield
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(self._files.shown(name), error) from error

    def save_stop_rule(
        self, rule: StopRule, weights: Mapping[str, float], about: Mapping[str, Any], expand: str | None = None
    ) -> Path | str:
        """Replace the stored rule, and return its file, or its name on a server. `about` is for readers of the file.

        Raises:
            IndexWriteFailed: The disk is full or read-only.
        """
        return self._write(STOP_RULE, asdict(rule), self.made_for(weights, expand), about)

    def save_gate(
        self, gate: Gate, weights: Mapping[str, float], about: Mapping[str, Any], expand: str | None = None
    ) -> Path | str:
        """As `save_stop_rule`, for the gate."""
        return self._write(GATE, asdict(gate), self.made_for(weights, expand), about)

    def save_calibration(
        self, curve: Calibration, weights: Mapping[str, float], about: Mapping[str, Any], expand: str | None = None
    ) -> Path | str:
        """As `save_stop_rule`, for the curve from score to probability."""
        method = "platt" if isinstance(curve, Platt) else "isotonic"
        return self._write(CALIBRATION, {"method": method, **asdict(curve)}, self.made_for(weights, expand), about)

    def _write(
        self, name: str, fit: Mapping[str, Any], made_for: Mapping[str, Any], about: Mapping[str, Any]
    ) -> Path | str:
        content = {
            "version": VERSION,
            "made_for": dict(made_for),
            "passages": self.count(),
            "about": dict(about),
            **fit,
        }
        return self._files.write(name, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    def _read(self, name: str, now: Mapping[str, Any]) -> Mapping[str, Any] | None:
        file = self._files.shown(name)
        try:
            text = self._files.read(name)
            if text is None:
                return None
            fit: Mapping[str, Any] = json.loads(text)
            version = fit["version"]
            before = dict(fit["made_for"]) if version == VERSION else {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(file, error) from error
        if version != VERSION:
            raise NotFitted(f"{file} has format {version}, and this version reads {VERSION}: {self._hint(now)}")
        for key in {**before, **now}:
            if before.get(key) != now.get(key):
                raise NotFitted(
                    f"{file} was made for {key} {_shown(before.get(key))}, and this search has {_shown(now.get(key))}: "
                    f"search with that {key}, or {self._hint(now)}"
                )
        return fit

    def _outdated(self, fit: Mapping[str, Any], name: str, now: Mapping[str, Any]) -> list[Note]:
        before, count, options = fit.get("passages"), self.count(), self._options(now)
        if not isinstance(before, int) or count is None or count == before:
            return []
        own = {"options": options} if options else {}
        return [Note("fit_outdated", fit=name, fitted_on=before, passages=count, **own)]


def _curve(fit: Mapping[str, Any]) -> Calibration:
    if fit["method"] == "platt":
        return Platt(float(fit["slope"]), float(fit["offset"]))
    scores, values = tuple(map(float, fit["scores"])), tuple(map(float, fit["values"]))
    if fit["method"] != "isotonic" or not scores or len(scores) != len(values):
        raise ValueError("no knots")
    return Isotonic(scores, values)


def _threshold(fit: Mapping[str, Any]) -> float | None:
    return None if fit["threshold"] is None else float(fit["threshold"])


def _guarantee(fit: Mapping[str, Any]) -> Guarantee | None:
    return None if fit["guarantee"] is None else Guarantee(**fit["guarantee"])


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return " + ".join(f"{weight:g} x {name}" for name, weight in value.items()) or "none"
    return str(value)
