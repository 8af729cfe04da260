"""`shortlist tune`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from shortlist import config as toml
from shortlist.atomic_io import check_place
from shortlist.cli import options_measuring as measuring
from shortlist.cli.options import (
    DEFAULT_INDEX,
    BiEncoderOption,
    BlendOption,
    ChosenCrossEncoderOption,
    FusionOption,
    IndexOption,
    Knobs,
    PrecisionOption,
    RetrieverOption,
    choose_knobs,
)
from shortlist.cli.render import evaluation as show_evaluation
from shortlist.cli.render import report_file as reporting
from shortlist.cli.render import tuning as show_tuning
from shortlist.cli.render.progress import bar, kept_on_failure
from shortlist.cli.setups import SetUp, base, opened
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets import files as datasets
from shortlist.evaluation.query_sets.query_set import QuerySet
from shortlist.evaluation.tuning.request import MEASURES, Request
from shortlist.evaluation.tuning.sweep import scaled
from shortlist.evaluation.tuning.tune import Tuning, evaluation_at
from shortlist.evaluation.tuning.tune import tune as run_tuning
from shortlist.models.packaged import CROSS_ENCODER
from shortlist.registry import Settings
from shortlist.report import source_of, tuning_page
from shortlist.retrievers.engine import FUSION

RETRIEVER = "hybrid"
"""What searches use unless told otherwise; the file holds no other."""

PARTIAL = Path("shortlist-tune.*.partial.jsonl")


def tune(  # noqa: PLR0913 - one parameter an option
    queries: measuring.QueriesArgument,
    index: IndexOption = DEFAULT_INDEX,
    qrels: measuring.QrelsOption = None,
    split: measuring.SplitOption = "test",
    sizes: measuring.SizesOption = measuring.SIZES_TEXT,
    blends: measuring.BlendsOption = measuring.BLENDS_TEXT,
    fusions: measuring.FusionsOption = measuring.FUSIONS_TEXT,
    measure: measuring.MeasureOption = None,
    budget: measuring.BudgetOption = None,
    timed: measuring.TimedOption = None,
    retriever: RetrieverOption = RETRIEVER,
    bi_encoder: BiEncoderOption = None,
    cross_encoder: ChosenCrossEncoderOption = None,
    precision: PrecisionOption = "auto",
    blend: BlendOption = None,
    fusion: FusionOption = None,
    ignore_identical_ids: measuring.ItselfOption = False,
    allow_unknown: measuring.UnknownOption = False,
    checkpoint: measuring.CheckpointOption = PARTIAL,
    write: measuring.WriteOption = False,
    report: measuring.ReportOption = None,
) -> None:
    """Find the pool size, blend, fusion weight and threshold for your queries, in one pass. Goes on after Ctrl-C."""
    if report is not None:
        reporting.check(report)
    if write:
        _check_write(retriever)
    knobs = choose_knobs(blend=blend, fusion=fusion, cross_encoder=cross_encoder)
    request = Request(
        sizes=tuple(map(int, _numbers(sizes, "--sizes", int))),
        blends=_numbers(blends, "--blends", float),
        fusions=_numbers(fusions, "--fusions", float),
        blend=knobs.blend,
        measures=tuple(measure or MEASURES),
        budget=budget and budget / 1000,
        timed=timed,
        checkpoint=checkpoint,
    )
    set_up = _set_up(index, knobs, Settings(retriever, bi_encoder, precision=precision), request)
    made = datasets.read(queries, qrels=qrels, split=split)
    with kept_on_failure(f"what was scored is in {checkpoint}"):
        found, page = _tuned(set_up, made, request, allow_unknown, ignore_identical_ids, report is not None)
    out = Console(highlight=False)
    show_tuning.tuning(out, found)
    if report is not None:
        reporting.put(page, report)
    values = _values(found, set_up.settings)
    if not values:
        out.print(f"\nnothing to put in {toml.FILE}" + "; it is left as it was" * write, markup=False)
        return
    out.print(f"\n# {toml.FILE}", markup=False)
    out.print(toml.lines(values), markup=False)
    if write:
        out.print(f"written to {toml.write(values)}", markup=False, soft_wrap=True)


def _set_up(index: Path, knobs: Knobs, settings: Settings, request: Request) -> SetUp:
    """The largest pool, with the weights at blend 1: the request says which blend is in use."""
    plain = base(index, replace(knobs, blend=1.0), settings)
    return replace(plain, name="tune", pool=max(request.sizes, default=1), rerank=True)


def _values(found: Tuning, used: Settings) -> dict[str, toml.Value]:
    """The lines for the file, none where nothing is recommended.

    A blend, weight or threshold that was not found now is taken out of it.

    The file's own weights stay where the blend that was found scales them. Its smallest probability stays where
    searches go on as before: the stored curve was fitted for their final scores alone.
    """
    if found.undecided:
        return {}
    held = toml.read()
    own = used.weights if found.rerank and not found.curves.derived else None
    values: dict[str, toml.Value] = dict.fromkeys(("blend", *(f"weight.{name}" for name in toml.SIGNALS), "threshold"))
    values |= {f"weight.{name}": weight for name, weight in (own or {}).items()}
    values = {**found.settings, **{key: found.settings.get(key, value) for key, value in values.items()}}
    if used.fusion != (FUSION if held.fusion is None else held.fusion):
        values.setdefault("fusion", used.fusion)
    model = used.cross_encoder or CROSS_ENCODER
    if model != (held.cross_encoder or CROSS_ENCODER) or model != CROSS_ENCODER:
        values["cross-encoder"] = model
    if not found.rerank or not _same_scores(held, values):
        values["min-probability"] = None
    return values


def _same_scores(held: toml.Defaults, values: Mapping[str, toml.Value]) -> bool:
    """Whether pools and final scores stay those of the file with these lines in it: the stored curve is for them."""
    weights = {name: values[f"weight.{name}"] for name in toml.SIGNALS if values[f"weight.{name}"] is not None}
    blend = 1.0 if values["blend"] is None else values["blend"]
    fusion = FUSION if held.fusion is None else held.fusion
    return (
        weights == dict(held.weight or {})
        and blend == (1.0 if held.blend is None else held.blend)
        and values.get("fusion", fusion) == fusion
        and values.get("cross-encoder", CROSS_ENCODER) == (held.cross_encoder or CROSS_ENCODER)
    )


def _check_write(retriever: str) -> None:
    if retriever != RETRIEVER:
        raise InvalidInput(
            f"--write with --retriever {retriever}: {toml.FILE} names no retriever, so searches by {RETRIEVER} would "
            "follow what was found for another one. Leave out --write and give the values as options"
        )
    check_place(Path.cwd() / toml.FILE)


def _tuned(
    set_up: SetUp, made: QuerySet, request: Request, allow_unknown: bool, itself: bool, reported: bool
) -> tuple[Tuning, str]:
    """What tuning found, and the report of it where one is wanted, else ""."""
    console = Console(stderr=True, highlight=False)
    with opened(set_up, made, allow_unknown=allow_unknown, itself=itself) as (index, shortlist, judged):
        show_evaluation.query_set(console, judged, sum(map(index.cuts_query, judged.queries.values())))
        about = {**set_up.about_pass(index, itself=itself), "blend": f"{request.blend:g}"}
        with bar(console, "passages") as told:
            found = run_tuning(shortlist, judged, replace(request, about=about), progress=told)
        if not reported:
            return found, ""
        best = found.curve.sizes[found.curve.best(found.measure)]
        size = found.recommended.size if found.rerank and found.recommended.size else best
        weights = scaled(found.curves.weights, found.blend)
        said = {**reporting.about(set_up, index, weights), "blend": f"{found.blend:g}, tuned"}
        at = evaluation_at(found, judged, size, k=request.k, about=said)
        source = source_of(at, judged, index.index.passages())
        lines = "" if found.undecided else toml.lines(_values(found, set_up.settings))
        return found, tuning_page(found, at, source, reporting.written(), lines)


def _numbers(text: str, option: str, kind: type[int] | type[float]) -> tuple[float, ...]:
    try:
        return tuple(kind(one) for one in text.split(",") if one.strip())
    except ValueError as error:
        raise InvalidInput(f"{option} {text!r}: write numbers with commas between them") from error
