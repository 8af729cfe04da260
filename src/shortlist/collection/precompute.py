"""Compute the states of passages during an ingest, and give the stored states to the reranker of a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from shortlist.collection.collection import Collection
from shortlist.collection.progress import PASSAGES_PER_STEP, Reporter
from shortlist.collection.report import IngestReport
from shortlist.collection.states import MadeBy, hash_of, maker
from shortlist.errors import InvalidInput
from shortlist.protocols import KeepsStates, Reranker
from shortlist.search.scores import info_of
from shortlist.types import Note, Passage

PASSAGES_PER_COMMIT = 512


class Precompute:
    """The states of one ingest.

    `load` returns the reranker. The first text without a state calls it. `switch` is True to precompute from now on,
    False to stop and to delete the states, and None to do what the index did before.
    """

    def __init__(self, collection: Collection, load: Callable[[], Reranker], switch: bool | None = None) -> None:
        self._collection = collection
        self._load = load
        self._switch = switch
        self._report = IngestReport()

    def start(self, report: IngestReport) -> None:
        """Begin to precompute, or stop, as `switch` says. `report` receives the numbers.

        Raises:
            InvalidInput: `switch` is True, and the reranker cannot store states. Nothing is written then.
            IndexWriteFailed: The disk is full or failing.
        """
        self._report = report
        if self._switch:
            self._collection.keep_states(maker(checked_keeper(self._load())))
        elif self._switch is False:
            report.states_freed = self._collection.drop_states()

    def states_for(self, passages: Sequence[Passage], reporter: Reporter) -> Mapping[bytes, bytes]:
        """Compute the states of those texts that have none, and return them by the hashes of the texts.

        `reporter` reports after each step. If the index does not precompute, or if its states were made by another
        reranker, there is nothing to compute.
        """
        states = self._collection.states
        if states is None:
            return {}
        texts = {hash_of(passage.content): passage.content for passage in passages}
        known = states.known(list(texts))
        missing = {key: text for key, text in texts.items() if key not in known}
        reranker = self._reranker if missing else None
        if reranker is None:
            return {}
        computed: dict[bytes, bytes] = {}
        keys = list(missing)
        for start in range(0, len(keys), PASSAGES_PER_STEP):
            block = keys[start : start + PASSAGES_PER_STEP]
            computed |= zip(block, reranker.states_of([missing[key] for key in block]), strict=True)
            self._report.states_computed += len(block)
            reporter.report()
        return computed

    def complete(self, reporter: Reporter) -> None:
        """Compute the states of all passages that have none, and remove those of passages that no longer exist.

        If the index did not precompute before, none of its passages has a state.

        Raises:
            IndexWriteFailed: The disk is full or failing. Earlier commits stay, and the same run continues.
        """
        states = self._collection.states
        if states is None:
            return
        stored, known = self._collection.ledger.passage_ids(), states.ids()
        if known - stored:
            states.delete(known - stored)
        missing = sorted(stored - known)
        if not missing or self._reranker is None:
            return
        reporter.precompute(len(missing))
        for start in range(0, len(missing), PASSAGES_PER_COMMIT):
            block = missing[start : start + PASSAGES_PER_COMMIT]
            passages = self._collection.index.get(block)
            self._collection.replace_states((), passages, self.states_for(passages, reporter))
            reporter.precomputed(len(block))

    @cached_property
    def _reranker(self) -> KeepsStates | None:
        """The reranker, or None with a note in the report if the stored states are not its own."""
        states = self._collection.states
        if states is None or states.made_by is None:
            return None
        reranker = self._load()
        note = unused(states.made_by, reranker)
        if note is None and isinstance(reranker, KeepsStates):
            return reranker
        self._report.notes += [note] if note is not None else []
        return None


def keeps_states(reranker: Reranker) -> bool:
    """Return whether the reranker can compute and use states."""
    return isinstance(reranker, KeepsStates) and reranker.keeps_states


def checked_keeper(reranker: Reranker) -> Reranker:
    """Return the reranker.

    Raises:
        InvalidInput: The reranker cannot store states.
    """
    if not keeps_states(reranker):
        raise InvalidInput(
            f"precompute needs another reranker: every layer of {info_of(reranker).name} reads a passage together with "
            "the query. Name a reranker that keeps states, or add without this option",
            field="precompute",
        )
    return reranker


def unused(made_by: MadeBy, reranker: Reranker) -> Note | None:
    """Return the reason for which this reranker cannot use states of `made_by`, or None if the states are its own."""
    own = maker(reranker)
    reasons = (
        ("cannot_use_states", not keeps_states(reranker)),
        ("other_reranker", own.hash != made_by.hash and own.reranker != made_by.reranker),
        ("other_weights", own.hash != made_by.hash),
        ("other_form", own.codec != made_by.codec),
    )
    reason = next((name for name, applies in reasons if applies), None)
    if reason is None:
        return None
    return Note("states_unused", reason=reason, made_by=made_by.reranker, reranker=own.reranker)


def with_stored_states(collections: Sequence[Collection], reranker: Reranker) -> Reranker:
    """Return the reranker, which scores passages of these indexes from their states if these are its own.

    The states are read at each call. The result therefore uses states that a later `add` stores, and does not use
    states that a later `add` removes.
    """
    if not isinstance(reranker, KeepsStates) or not reranker.keeps_states:
        return reranker

    def lookup(texts: Sequence[str]) -> list[bytes | None]:
        codes: list[bytes | None] = [None] * len(texts)
        for collection in collections:
            states = collection.states
            missing = [place for place, coded in enumerate(codes) if coded is None]
            if states is None or states.made_by != maker(reranker) or not missing:
                continue
            for place, coded in zip(missing, states.lookup([hash_of(texts[place]) for place in missing]), strict=True):
                codes[place] = coded
        return codes

    return reranker.with_states(lookup)


def notes_on_states(collection: Collection, reranker: Reranker) -> list[Note]:
    """Return the note about stored states that this reranker cannot use, if there is one."""
    states = collection.states
    note = unused(states.made_by, reranker) if states is not None and states.made_by is not None else None
    return [] if note is None else [note]
