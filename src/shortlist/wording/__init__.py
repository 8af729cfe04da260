"""Notes as sentences for people. No other package turns notes into sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shortlist.types import Note, Ranking
from shortlist.wording.counting import counted, plain
from shortlist.wording.measuring import WORDS as TUNING_WORDS
from shortlist.wording.measuring import Words
from shortlist.wording.reading import NOT_READ as NOT_READ
from shortlist.wording.weights import numbers_unused, reranker_alone

SEVERAL = "several_collections"
"""The reason of `no_gate` and `no_stop_rule` if several collections are searched together."""
CALIBRATE = "shortlist calibrate QUERIES --index DIR"
IGNORED = {
    "other_reranker": "it is valid for another reranker",
    "other_blend": "it is valid for another blend",
    "other_retriever": "it is valid for another retriever",
    "no_fusion": "the retriever fuses no lists",
    "not_reranked": "the search does not rerank",
    "tail": "passages below the pool have no probability",
    "progressive": "progressive scores depend on the pool",
}
HINTS = {
    "no_date": ". No calendar has the date {written}",
    "compact_date": ". Write the date as {written}",
    "decimal_comma": ". Write the number with a decimal point: {written}",
}
PRUNE = "add with --prune removes them"
RENEW = "shortlist add --precompute --index DIR"
FITS = {"stop_rule": "the stop rule", "gate": "the gate", "calibration": "the probability curve"}


def describe(note: Note) -> str:
    """Return the note as one sentence without a full stop. For an unknown code, return the code."""
    words = WORDS.get(note.code) or TUNING_WORDS.get(note.code)
    if words is None:
        return note.code
    return words.format_map(note.values) if isinstance(words, str) else words(note.values)


def worded_notes(notes: Sequence[Note]) -> list[dict[str, Any]]:
    """Return notes as JSON objects. Each note also has its sentence, as "message"."""
    return [{**note.to_dict(), "message": describe(note)} for note in notes]


def worded(ranking: Ranking) -> dict[str, Any]:
    """Return the ranking as a JSON object. Each note also has its sentence, as "message"."""
    return {**ranking.to_dict(), "notes": worded_notes(ranking.notes)}


def limits_of(values: Mapping[str, Any]) -> str:
    """Return the limits in `values` as words, such as "min_score 2.5 or min_probability 0.2"."""
    limits = ((name, values.get(name)) for name in ("min_score", "min_probability"))
    return " or ".join(f"{name} {limit:g}" for name, limit in limits if limit is not None)


def _skip_reason(values: Mapping[str, Any]) -> str:
    if values.get("reason") == "query_too_long":
        tokens, longest = values["tokens"], values["longest"]
        return f"the query has {tokens} tokens, and {values['reranker']} was trained on queries of up to {longest}"
    return str(values.get("reason", "the reranker skips this query"))


def _retriever_limited(values: Mapping[str, Any]) -> str:
    passages = f"the retriever returned {values['count']} of the {values['k']} requested passages"
    if values["limit"] is None:
        return f"{passages}, and accepts no number of passages: if it has a limit of its own, raise the limit"
    line = f": raise the limit with {values['line']}" if values["line"] else ""
    return f"{passages}, because its own limit is {values['limit']}{line}"


def _partial(values: Mapping[str, Any]) -> str:
    cause = "the time limit budget_ms ended" if values["cause"] == "budget" else "the queue was full"
    return f"reranked in part: {cause} after {values['scored']} of {counted(values['pool'], 'passage')}"


def _no_stop_rule(values: Mapping[str, Any]) -> str:
    if values["reason"] == "not_reranked":
        return "fixed pool size: the search does not rerank, so no stop rule applies"
    if values["reason"] == SEVERAL:
        return "fixed pool size: a stop rule is fitted for one collection, and does not apply to several"
    command = f"{CALIBRATE}{values.get('options', '')}"
    return f"fixed pool size: no stop rule is stored for this search. Make one with: {command}"


def _left_out(values: Mapping[str, Any]) -> str:
    return f"{values['count']} of {counted(values['hits'], 'hit')} left out below {limits_of(values)}"


def _unscored_left_out(values: Mapping[str, Any]) -> str:
    hits = f"{values['count']} of {counted(values['hits'], 'hit')}"
    return f"{hits} left out: without a score of the reranker, a hit does not reach {limits_of(values)}"


def _context_cut(values: Mapping[str, Any]) -> str:
    parts = [
        f"{counted(values['cut'], 'passage')} cut" if values["cut"] else "",
        f"{counted(values['hits'], 'hit')} left out" if values["hits"] else "",
        f"{counted(values['neighbours'], 'passage')} around hits left out" if values["neighbours"] else "",
    ]
    return f"budget_tokens is {values['budget_tokens']}: {', '.join(part for part in parts if part)}"


def _no_good_answer(values: Mapping[str, Any]) -> str:
    best = values.get("best_probability")
    shown = f"score {values['best_score']:.3f}" if best is None else f"probability {best:.3f}"
    return f"no good answer: the best passage has {shown}, below {limits_of(values)}"


def _list_calls(values: Mapping[str, Any]) -> str:
    calls = f"{values['reranker']}: {counted(values['calls'], 'call')}"
    tokens = f"{values['prompt_tokens']} prompt tokens and {values['completion_tokens']} completion tokens"
    if values["uncounted"]:
        tokens += f", without those of {counted(values['uncounted'], 'call')} whose answer had no counts"
    return f"{calls}, {tokens}" + ("" if values["cost"] is None else f", cost {plain(values['cost'])}")


def _list_faults(values: Mapping[str, Any]) -> str:
    faults = [
        f"{values['missing']} missing" * bool(values["missing"]),
        f"{values['repeated']} repeated" * bool(values["repeated"]),
        f"{values['unknown']} unknown" * bool(values["unknown"]),
    ]
    numbers = ", ".join(filter(None, faults))
    repaired = f"numbers of passages in the answers: {numbers}. Missing passages follow in their earlier order"
    unread = f"{counted(values['unreadable'], 'window')} left in the earlier order, because the answer has no order"
    return "; ".join([repaired] * bool(numbers) + [unread] * bool(values["unreadable"]))


def _unknown_field(values: Mapping[str, Any]) -> str:
    fields = values["fields"]
    more = f" and {values['more']} more" if values.get("more") else ""
    known = f"the fields are {', '.join(fields)}{more}" if fields else "passages have no metadata"
    read = values.get("read")
    passages = "no passage has" if read is None else f"none of the first {read} passages has"
    return f"{passages} the field {values['field']!r}: {known}"


def _unknown_value(values: Mapping[str, Any]) -> str:
    shown = [repr(value) if isinstance(value, str) else str(value) for value in values.get("values") or ()]
    known = f": some values of {values['field']} are {', '.join(shown)}" if shown else ""
    hint = HINTS.get(str(values.get("hint")), "").format_map(values)
    return f"no passage matches the filter {', '.join(values['conditions'])}{known}{hint}"


def _states_unused(values: Mapping[str, Any]) -> str:
    made_by, reranker = values["made_by"], values["reranker"]
    if values["reason"] == "cannot_use_states":
        return f"not precomputed: the stored states are those of {made_by}, and {reranker} cannot use states"
    if values["reason"] == "other_reranker":
        why = f"those of {made_by}, not of {reranker}"
    else:
        why = f"those of {'other weights' if values['reason'] == 'other_weights' else 'another version'} of {made_by}"
    return f"not precomputed: the stored states are {why}. Renew them with: {RENEW}"


def _model_language(values: Mapping[str, Any]) -> str:
    languages = ", ".join(name.title() for name in values["languages"][:3])
    reads = " and ".join(name.title() for name in values["reads"])
    more = f" and {len(values['languages']) - 3} more" if len(values["languages"]) > 3 else ""
    return (
        f"{values['count']} of {values['documents']} new documents are not {reads} ({languages}{more}), and "
        f"{values['model']} reads {reads}: name a model for these languages, or search with the retriever bm25 and "
        "without reranking"
    )


WORDS: Mapping[str, Words] = {
    **NOT_READ,
    "query_truncated": (
        "the query is longer than the bi-encoder's window of {window} tokens: stage one read only its start"
    ),
    "query_expanded": lambda v: f"query expanded by {v['method']}: {', '.join(v['terms']) or 'no other terms'}",
    "stage_one_approximate": (
        "stage one is approximate: the large index compared compact vectors first. To compare all vectors in full, use "
        "the index option exact=true"
    ),
    "repeated_rows": lambda v: (
        f"{counted(v['count'], 'row')} of the retriever left out: an earlier row has the same id"
    ),
    "metadata_unread": lambda v: (
        f"{v['count']} {'row has' if v['count'] == 1 else 'rows have'} a {v['field']} that is not JSON: a filter does "
        f"not find {'it' if v['count'] == 1 else 'them'}"
    ),
    "retriever_limited": _retriever_limited,
    "rerank_skipped": lambda v: f"not reranked: {_skip_reason(v)}",
    "scores_uncertain": lambda v: f"the scores are uncertain, and a search would not rerank: {_skip_reason(v)}",
    "rerank_failed": "not reranked: the reranker failed ({error}: {message})",
    "rerank_partial": _partial,
    "effort_lowered": lambda v: (
        f"effort {v['effort']} under load: a pool of {v['pool']} in place of {v['before']}, because "
        f"{counted(v['waiting'], 'passage')} of other searches waited"
    ),
    "gate_skipped": "not reranked: stage one is sure ({signal} {value:.3f}, and the gate needs {threshold:.3f})",
    "gate_open": lambda v: (
        f"reranked: the gate needs {v['signal']} {v['threshold']:.3f}, and stage one has "
        f"{'no such signal' if v['value'] is None else format(v['value'], '.3f')}"
    ),
    "gate_never_skips": "reranked: the stored gate has no threshold, because none could be certified",
    "gate_other_pool": "the gate was fitted for a pool of {fitted_on}, and this pool has {pool} passages",
    "no_gate": lambda v: (
        "no gate: it is fitted for one collection, and does not apply to several"
        if v["reason"] == SEVERAL
        else f"no gate is stored for this search. Make one with: {CALIBRATE}{v.get('options', '')}"
    ),
    "pool_stopped": lambda v: (
        f"{v['scored']} of {counted(v['pool'], 'passage')} scored: the rest is unlikely to enter the first {v['top_k']}"
    ),
    "pool_scored_whole": lambda v: (
        f"all of {counted(v['pool'], 'passage')} scored: until the last check, an unscored passage could still enter "
        f"the first {v['top_k']}"
    ),
    "pool_never_stops": lambda v: (
        f"all of {counted(v['pool'], 'passage')} scored: the stored stop rule has no threshold, because none could be "
        "certified"
    ),
    "no_stop_rule": _no_stop_rule,
    "fit_outdated": lambda v: (
        f"{FITS[v['fit']]} was fitted on {counted(v['fitted_on'], 'passage')}, and there are now {v['passages']}: "
        f"calibrate again with: {CALIBRATE}{v.get('options', '')}"
    ),
    "folded": lambda v: (
        f"{counted(v['count'], 'duplicate')} left out: the text is that of a hit, or almost the same; to show "
        f"{'it' if v['count'] == 1 else 'them'}, use duplicates"
    ),
    "document_limit": lambda v: (
        f"per_document is {v['per_document']}: {counted(v['count'], 'hit')} left out, because "
        f"{'its document has' if v['count'] == 1 else 'their documents have'} {v['per_document']} better"
    ),
    "left_out": _left_out,
    "unscored_left_out": _unscored_left_out,
    "no_good_answer": _no_good_answer,
    "limits_not_applied": lambda v: f"nothing left out below {limits_of(v)}: the query was not reranked",
    "context_cut": _context_cut,
    "section_limited": lambda v: (
        f"the section of {counted(v['count'], 'hit')} is not whole: it has more than {v['most']} passages on a side"
    ),
    "context_folded": lambda v: (
        f"{counted(v['count'], 'duplicate')} around hits left out of the context: a hit in it has the same text"
    ),
    "not_in_pool": lambda v: (
        f"the passage is not in the pool of {counted(v['pool'], 'passage')}: stage one ranks it lower, so the reranker "
        "does not read it"
    ),
    "index_empty": "the index is empty: add files with: shortlist add PATH --index DIR",
    "store_empty": "{store} has no rows",
    "filter_unknown_field": _unknown_field,
    "filter_unknown_value": _unknown_value,
    "filter_empty_range": lambda v: (
        f"no value of {v['field']} can meet both {v['conditions'][0]} and {v['conditions'][1]}: the range is empty"
    ),
    "filter_other_type": (
        "some passages have {field} as a text that meets {condition}: the store compares numbers alone, so store the "
        "values as numbers"
    ),
    "filter_no_overlap": "no passage matches every field of the filter, but each field matches some",
    "no_match": "no passage matches the query",
    "mixed_bi_encoders": lambda v: (
        f"the reranker alone orders the answer: the collections have the bi-encoders {' and '.join(v['bi_encoders'])}, "
        "whose cosines do not compare"
    ),
    "list_calls": _list_calls,
    "list_faults": _list_faults,
    "reranker_alone": reranker_alone,
    "numbers_unused": numbers_unused,
    "pool_texts_cut": lambda v: (
        f"{v['bi_encoder']} read the first {v['window']} tokens of {counted(v['count'], 'text')} of the pool"
    ),
    "other_bi_encoder": (
        "stage one is explained with the cosine of {bi_encoder}, because {retriever} does not tell how it scores"
    ),
    "excluded_kept": lambda v: f"the index keeps the documents of {counted(v['count'], 'excluded file')}: {PRUNE}",
    "gone_kept": lambda v: (
        f"the index keeps the documents of {counted(v['count'], 'deleted or renamed file')}: {PRUNE}"
    ),
    "vectors_taken": lambda v: (
        f"{counted(v['count'], 'vector')} taken from {v['store']}: the bi-encoder of the index made them"
    ),
    "vectors_encoded": lambda v: f"{counted(v['count'], 'passage')} encoded: {v['reason']}",
    "model_language": _model_language,
    "index_language": lambda v: (
        f"{v['count']} of {v['documents']} new documents are {v['language'].title()}, and BM25 of this index has the "
        f"word forms of {v['index_language'].title()}: a new index finds more, with: shortlist add PATH --index DIR "
        f"--language {v['language']}"
    ),
    "states_unused": _states_unused,
    "setting_ignored": lambda v: f"{v['setting']} of shortlist.toml is ignored: {IGNORED[v['reason']]}",
}
