import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shortlist.inference.batches import Tokens, batches

lengths = st.lists(st.integers(1, 600), max_size=60)


def tokens(sizes):
    return [Tokens([7 + place] * size, size // 2) for place, size in enumerate(sizes)]


@given(lengths, st.integers(1, 16), st.integers(16, 2048))
def test_every_input_is_in_exactly_one_batch_within_the_budget(sizes, rows, budget):
    groups = batches(tokens(sizes), rows=rows, tokens=budget)
    assert sorted(row for batch in groups for row in batch.rows) == list(range(len(sizes)))
    for batch in groups:
        assert len(batch.rows) <= rows
        assert batch.ids.size <= budget or len(batch.rows) == 1


@given(lengths)
def test_arrays_contain_the_inputs_and_padding_is_masked(sizes):
    inputs = tokens(sizes)
    for batch in batches(inputs, pad=3):
        for place, row in enumerate(batch.rows):
            size = sizes[row]
            assert batch.ids[place, :size].tolist() == list(inputs[row].ids)
            assert (batch.ids[place, size:] == 3).all()
            assert batch.mask[place].sum() == size
            assert batch.types[place].tolist() == [0] * (size // 2) + [1] * (size - size // 2) + [0] * (
                batch.ids.shape[1] - size
            )
        assert batch.ids.dtype == np.int64


def test_no_inputs_give_no_batches():
    assert batches([]) == []


def test_longest_first_keeps_padding_low():
    assert [batch.rows for batch in batches(tokens([1, 100, 2, 99]), rows=2)] == [[1, 3], [2, 0]]


def test_lengths_are_rounded_up_to_the_step():
    assert [batch.ids.shape[1] for batch in batches(tokens([1, 17, 32]), rows=1, step=16)] == [32, 32, 16]
