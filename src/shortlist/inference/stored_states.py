"""Pairs whose passages have stored states: the first stage reads the queries alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shortlist.inference.batches import Batch, Tokens
from shortlist.inference.engine import Engine, batches_for, feed
from shortlist.inference.state_codec import StateCodec

QueryStates = dict[tuple[int, ...], NDArray[np.float32]]
"""The states of each query after the first stage, `(tokens, width)`, by its token ids."""


def states_alone(first: Engine, inputs: Sequence[Tokens], pad: int) -> list[NDArray[np.float32]]:
    """Return the `(tokens, width)` states of each input after the first stage. No inputs give no states."""
    states: list[NDArray[np.float32]] = [np.empty((0, 0), dtype=np.float32)] * len(inputs)
    batches = batches_for(first, inputs, pad)
    for batch, outputs in zip(batches, first.run([feed(first, batch) for batch in batches]), strict=True):
        for place, row in enumerate(batch.rows):
            states[row] = outputs[1][place, : inputs[row].length]
    return states


def query_states(first: Engine, inputs: Sequence[Tokens], pad: int) -> QueryStates:
    """Return the states of each distinct query of these pairs."""
    queries = list({tuple(pair.ids) for pair in inputs})
    states = states_alone(first, [Tokens(ids, len(ids)) for ids in queries], pad)
    return dict(zip(queries, states, strict=True))


def pair_states(batch: Batch, inputs: Sequence[Tokens], queries: QueryStates, codec: StateCodec) -> NDArray[np.float32]:
    """Return the states of the batch's pairs after the first stage, `(rows, length, width)`, with zeros as padding."""
    states = np.zeros((*batch.ids.shape, codec.width), dtype=np.float32)
    for place, row in enumerate(batch.rows):
        pair = inputs[row]
        states[place, : pair.split] = queries[tuple(pair.ids)]
        if pair.stored is not None:
            states[place, pair.split : pair.length] = codec.decode(pair.stored)
    return states
