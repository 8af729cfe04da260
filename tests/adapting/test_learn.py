"""Learning from pools: what each level changes, and that it learns."""

import numpy as np
import pytest

from shortlist.adapting.choose import _best
from shortlist.adapting.gather import gather
from shortlist.adapting.last_stage import LastStage
from shortlist.adapting.learn import Learner, Recipe
from shortlist.adapting.optimiser import AdamTowardsStart
from shortlist.evaluation.metrics.measures import parse
from shortlist.evaluation.query_sets.query_set import resolve
from shortlist.models import cross_encoder_spec
from worlds_to_learn import POOL, passages, query_set, search_with

MEASURE = parse("nDCG@5")
FAST = Recipe(epochs=8, layer_rate=0.01, head_rate=0.01, blend_rate=0.05)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    search = search_with(tmp_path_factory.mktemp("world") / "model")
    stage = LastStage(cross_encoder_spec(str(search.reranker.folder)))
    judged = resolve(query_set(), passages())
    gathered = gather(search, search.reranker, stage, judged, POOL, lambda done, total: None)
    return stage, gathered


def learner_of(world):
    stage, gathered = world
    return Learner(stage, gathered.examples, [1.0])


def last(epochs):
    *_, learned = epochs
    return learned


def test_examples_hold_the_pools(world):
    _, gathered = world
    examples = gathered.examples
    assert gathered.signals == ("dense",)
    assert len(examples) + gathered.untaught == 60
    assert gathered.skipped == 0
    assert set(np.diff(examples.starts)) == {POOL}
    rows = examples.rows(1)
    assert [examples.keys[place] for place in range(rows.start, rows.stop) if examples.gains[place]]
    assert all(examples.grades[1].get(examples.keys[p], 0) == examples.gains[p] for p in range(rows.start, rows.stop))


def test_a_level_changes_its_own_weights(world):
    learner = learner_of(world)
    queries = list(range(8))
    one = Recipe(epochs=1)
    changed = {}
    for level in ("weights", "head", "layer"):
        learned = last(learner.epochs(level, queries, one))
        start = learner.start.weights
        changed[level] = {name for name in start if not np.array_equal(start[name], learned.weights[name])}
        assert learned.blend[0] != learner.start.blend[0]
    head = {"dense.weight", "dense.bias", "out.weight", "out.bias", "scale"}
    assert changed["weights"] == set()
    assert changed["head"] - {"out.bias"} == head - {"out.bias"}  # a softmax does not see the bias
    assert changed["layer"] - {"out.bias"} == set(learner.start.weights) - {"out.bias"}


def test_the_last_layer_learns_the_word(world):
    _, gathered = world
    learner, examples = learner_of(world), gathered.examples
    half = len(examples) // 2
    queries, held = list(range(half)), list(range(half, len(examples)))

    def mean(learned):
        return examples.values(learner.scores(learned, held), held, MEASURE).mean()

    before = mean(learner.start)
    learned = last(learner.epochs("layer", queries, FAST))
    assert mean(learned) > before + 0.1
    assert learned.blend[0] < learner.start.blend[0]  # the signal means nothing


def test_the_same_seed_gives_the_same_weights(world):
    learner = learner_of(world)
    first, second = (last(learner.epochs("layer", [0, 1, 2, 3, 4], Recipe(epochs=2))) for _ in range(2))
    assert all(np.array_equal(first.weights[name], second.weights[name]) for name in first.weights)


def test_a_relevant_document_counts_once(world):
    examples = world[1].examples
    rows = examples.rows(0)
    size = rows.stop - rows.start
    examples.counted[rows] = np.arange(size) > 0
    try:
        by = examples.derivatives([0], np.zeros(size))
    finally:
        examples.counted[rows] = True
    assert by[0] == 0
    assert abs(by.sum()) < 1e-12
    assert np.abs(by[1:]).min() > 0


def test_the_derivatives_of_the_loss_equal_numerical_differences(world):
    examples = world[1].examples
    queries = [0, 2]
    places = examples.places(queries)
    scores = np.random.default_rng(3).normal(size=len(places))

    def loss(values):
        total, begin = 0.0, 0
        for query in queries:
            gains = examples.gains[examples.rows(query)]
            own = values[begin : begin + len(gains)]
            begin += len(gains)
            total -= (gains / gains.sum()) @ (own - np.log(np.exp(own).sum())) / len(queries)
        return total

    exact = examples.derivatives(queries, scores)
    for place in range(len(scores)):
        step = np.zeros(len(scores))
        step[place] = 1e-5
        assert abs((loss(scores + step) - loss(scores - step)) / 2e-5 - exact[place]) < 1e-6


def test_the_optimiser_pulls_weights_to_their_start():
    start = {"a": np.array([1.0, -2.0])}
    weights = {"a": np.array([3.0, 5.0])}
    optimiser = AdamTowardsStart(start, {"a": 0.1}, pull=1.0)
    for _ in range(200):
        optimiser.step(weights, {"a": np.zeros(2)})
    assert np.allclose(weights["a"], start["a"], atol=1e-6)


def test_the_optimiser_follows_the_derivative():
    weights = {"a": np.array([0.0]), "b": np.array([0.0])}
    optimiser = AdamTowardsStart({"a": np.zeros(1)}, {"a": 0.5}, pull=0.0)
    for _ in range(100):
        optimiser.step(weights, {"a": 2 * (weights["a"] - 3)}, factor=0.5)
    assert abs(weights["a"][0] - 3) < 0.2
    assert weights["b"][0] == 0


@pytest.mark.parametrize(
    ("means", "level", "epochs"),
    [
        ({"weights": (0.5, 0.4), "layer": (0.5, 0.49)}, None, 0),
        ({"weights": (0.51, 0.52), "layer": (0.521, 0.5)}, "weights", 2),
        ({"weights": (0.51, 0.52), "layer": (0.53, 0.5)}, "layer", 1),
        ({"weights": (0.4, 0.4), "layer": (0.4, 0.501)}, "layer", 2),
    ],
)
def test_a_larger_change_must_be_clearly_better(means, level, epochs):
    choice = _best(0.5, means)
    assert (choice.level, choice.epochs) == (level, epochs)
