"""Models for tests of workers and of bulk work, named as `bulk_parts:NAME`. The text "bad" makes them fail."""

from __future__ import annotations

import time

import numpy as np

from shortlist.encoders.hashed import HashedEncoder


class OfPool:
    """A reranker whose scores depend on the pool: the rank of the length."""

    name = "of-pool"

    def score(self, query, texts):
        if "bad" in texts:
            raise ValueError("bad")
        return [float(sorted(map(len, texts)).index(len(text)) + 1) for text in texts]


class Pointwise:
    """A reranker that scores the length of each text."""

    name = "length"
    pointwise = True

    def score(self, query, texts):
        if "bad" in texts:
            raise ValueError("bad")
        return [float(len(text)) for text in texts]


class BadEncoder(HashedEncoder):
    name = "fails-on-bad"

    def encode_passages(self, texts):
        if "bad" in texts:
            raise ValueError("bad")
        return super().encode_passages(texts)


def make_encoder():
    encoder = BadEncoder(16)
    encoder.name = "fails-on-bad"
    return encoder


class BrokenEncoder(HashedEncoder):
    def encode_passages(self, texts):
        return np.full((len(texts), self.dimension), np.nan, dtype=np.float32)


def make_broken_encoder():
    return BrokenEncoder(16)


class Slow(Pointwise):
    """`Pointwise`, which takes its time."""

    def score(self, query, texts):
        time.sleep(0.3)
        return super().score(query, texts)
