"""The result of an adaptation, and the folder of the adapted model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shortlist.adapting.choose import Choice
from shortlist.adapting.last_stage import LastStage
from shortlist.adapting.learn import Learned
from shortlist.adapting.report import Report
from shortlist.atomic_io import written_folder
from shortlist.config import file as config_file
from shortlist.config.weights import Weights
from shortlist.errors import InvalidInput
from shortlist.models.packaged import BLEND, MANIFEST, write_manifest
from shortlist.reprs import short_repr

ABOUT = "adapted.json"
"""The file that says from which model and from which queries the model was adapted."""


@dataclass(frozen=True, slots=True)
class AdaptedModel:
    """A model with other weights in its last stage.

    `blend` maps a bi-encoder to the weights of stage one. `about` describes the adaptation.
    """

    stage: LastStage
    learned: Learned
    blend: Mapping[str, Weights]
    about: Mapping[str, Any]

    @property
    def changes_model(self) -> bool:
        """False if the adaptation changes the weights of stage one alone."""
        return self.learned.level != "weights"

    def write(self, folder: Path, report: Report | None) -> None:
        """Write the model folder. A crash leaves no folder.

        The lower stages, the tokenizer, the activation ranges of int8 and the drop rules are copied. The input of the
        last layer does not change, so its range stays valid.

        Raises:
            InvalidInput: The folder exists and is not empty, or it cannot be written.
        """
        file = self.stage.file
        with written_folder(folder) as part:
            for other in sorted(file.parent.iterdir()):
                if other.is_file() and other.name not in (file.name, BLEND, MANIFEST, ABOUT):
                    shutil.copyfile(other, part / other.name)
            content = self.stage.written(self.learned.weights) if self.changes_model else file.read_bytes()
            (part / file.name).write_bytes(content)
            blend = {name: {**weights, "negated": weights.negated} for name, weights in self.blend.items()}
            _write_json(part / BLEND, blend)
            _write_json(part / ABOUT, {**self.about, "report": None if report is None else asdict(report)})
            write_manifest(part)


@dataclass(frozen=True, slots=True)
class Adaptation:
    """The result of an adaptation.

    `report` compares both models on the held-out half. It is None if no level was better on the inner splits of the
    first half, which `choice` describes. `weights_before` and `weights` are those of stage one's signals in the final
    score. `learned` counts the queries from which the model learned, `skipped` and `untaught` those of the first half
    that it could not learn from, and `left_out` the queries above the limit of both halves.
    """

    query_set: str
    base: str
    choice: Choice
    report: Report | None
    weights_before: Weights
    weights: Weights
    learned: int
    skipped: int
    untaught: int
    left_out: int
    model: AdaptedModel = field(repr=False)

    def __repr__(self) -> str:
        facts: dict[str, object] = {"level": self.choice.level, "better": self.better, "learned": self.learned}
        if self.report is not None:
            facts |= {"gain": self.report.paired.difference.mean, "p": self.report.paired.p}
        return short_repr(self, self.query_set, facts)

    @property
    def better(self) -> bool:
        """True if the adapted model beats the unadapted one on the held-out queries."""
        return self.report is not None and self.report.better

    def save(self, folder: str | Path) -> Path:
        """Write the model folder, which `load_reranker` loads, and return it. A crash leaves no folder.

        The folder also holds the weights of stage one, if the retriever names its bi-encoder.

        Raises:
            InvalidInput: The adapted model is not better on the held-out queries, the folder exists and is not empty,
                or it cannot be written.
        """
        if not self.better:
            raise InvalidInput(
                "the adapted model does not beat the unadapted one on the held-out queries, so nothing is written: "
                "judge more queries, or keep the model"
            )
        self.model.write(Path(folder), self.report)
        return Path(folder)

    def settings(self, folder: str | Path) -> dict[str, Any]:
        """Return the settings of `shortlist.toml` for the model in the folder. None removes a setting.

        The folder has the weights of stage one, unless the retriever names no bi-encoder.
        """
        return {"reranker": str(folder), "blend": None, "weights": None if self.model.blend else dict(self.weights)}

    def lines(self, folder: str | Path) -> str:
        """Return the settings for the model in the folder, as lines of `shortlist.toml`."""
        return config_file.lines({name: value for name, value in self.settings(folder).items() if value is not None})

    def write(self, folder: str | Path, where: Path | None = None) -> Path:
        """Put the saved model into `shortlist.toml` of the folder `where`, or of the current folder. Return the file.

        Raises:
            InvalidInput: The file cannot be read, changed or written.
        """
        return config_file.write(self.settings(folder), where)


def _write_json(file: Path, value: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
