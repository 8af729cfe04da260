"""Pairs whose passages have stored states: a stage reads coded states in place of the stage before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.inference.batches import Batch, Tokens
from shortlist.inference.engine import CODES, QUERY_STATES, Engine, Feed, batches_for, feed, plan_for

QueryStates = dict[tuple[int, ...], NDArray[np.float32]]
"""The states of each query after the first stage, `(tokens, width)`, by its token ids."""


@dataclass(frozen=True, slots=True)
class StoredBatch(Batch):
    """Pairs with stored states that run together: the states of the queries, then the codes of the passages.

    Queries shorter than `begin` tokens have padding after them, and every passage begins at `begin`. `ids` are empty.
    """

    begin: int
    queries: NDArray[np.float32]
    codes: NDArray[np.uint8]


def query_states(first: Engine, inputs: Sequence[Tokens], pad: int) -> QueryStates:
    """Return the states of each distinct query of these pairs. `first` is the first stage."""
    queries = list({tuple(pair.ids): None for pair in inputs})
    alone = [Tokens(ids, len(ids)) for ids in queries]
    states: QueryStates = {}
    batches = batches_for(first, alone, pad)
    for batch, outputs in zip(batches, first.run([feed(first, batch) for batch in batches]), strict=True):
        for place, row in enumerate(batch.rows):
            states[queries[row]] = outputs[1][place, : len(queries[row])]
    return states


def stored_batches(engine: Engine, inputs: Sequence[Tokens], queries: QueryStates) -> list[StoredBatch]:
    """Return pairs with stored states as batches for the engine, longest first."""
    return [_batch(rows, inputs, queries, engine.length_step) for rows in plan_for(engine, [p.length for p in inputs])]


def _batch(rows: list[int], inputs: Sequence[Tokens], queries: QueryStates, step: int) -> StoredBatch:
    states = [queries[tuple(inputs[row].ids)] for row in rows]
    codes = [_codes(inputs[row]) for row in rows]
    begin = max(map(len, states))
    length = -(-(begin + max(map(len, codes))) // step) * step
    mask = np.zeros((len(rows), length), dtype=np.int64)
    types = np.zeros((len(rows), length), dtype=np.int64)
    head = np.zeros((len(rows), begin, states[0].shape[1]), dtype=np.float32)
    tail = np.zeros((len(rows), length - begin, codes[0].shape[1]), dtype=np.uint8)
    for place, (query, passage) in enumerate(zip(states, codes, strict=True)):
        end = begin + len(passage)
        mask[place, : len(query)] = mask[place, begin:end] = types[place, begin:end] = 1
        head[place, : len(query)] = query
        tail[place, : len(passage)] = passage
    return StoredBatch(rows, np.empty((0, 0), dtype=np.int64), mask, types, begin, head, tail)


def _codes(pair: Tokens) -> NDArray[np.uint8]:
    if pair.stored is None:
        raise ValueError("the pair has no stored states")
    return pair.stored


def stored_feed(engine: Engine, batch: StoredBatch) -> Feed:
    """Return the batch's arrays under the names of the inputs of an engine that decodes states."""
    sides: Feed = {"attention_mask": batch.mask, "token_type_ids": batch.types}
    inputs: Feed = {QUERY_STATES: batch.queries, CODES: batch.codes}
    return inputs | {name: array for name, array in sides.items() if name in engine.inputs}


def real_rows(batch: StoredBatch, place: int, states: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the states of the real tokens of a pair, `(tokens, width)`, from those of its batch."""
    real: NDArray[np.float32] = states[place][batch.mask[place] == 1]
    return real
