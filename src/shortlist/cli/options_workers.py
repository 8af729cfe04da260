"""The options of commands that work in several processes or on a Ray cluster."""

from __future__ import annotations

from typing import Annotated

from shortlist.cli.options import option

WorkersOption = Annotated[
    int | None,
    option(
        "--workers",
        "N",
        "Work in N processes, which share the CPU cores; with --ray, in N actors. [default: this process alone; with "
        "--ray, every CPU of the cluster]",
    ),
]
RayOption = Annotated[
    str | None, option("--ray", "ADDRESS", "Work on a Ray cluster: auto, or an address such as ray://host:10001.")
]
