"""The second cross-encoder: a query's tokens read a passage's stored states.

Query and passage pass the bi-encoder's own layers apart and without gradient. Above them stand copies of its upper
layers that compute the *query's* rows alone: each row looks at the query's other rows and at the passage's states,
which stay as they are (MORES, arXiv 2010.10137). So a passage costs two products a layer, whatever the number of
queries, and its states can be stored beforehand.

A passage's states are made narrow first, by a learned projection that begins as their principal components. Keys and
values of a layer begin as the layer's own, through the least-squares map from narrow states to what it used to read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import encoder
from states import WIDTH, Lower, Store, key

HEADS = 12
USUAL_TOKENS = 120  # of a passage, where BM25 divides by the mean length
MATCH_WIDTH = 128
GAIN = 50.0


@dataclass(frozen=True)
class Shape:
    """What a model is made of."""

    memory: tuple[int, ...] = (3,)  # levels whose states of the passage are read, side by side
    begin: int = 3  # level at which the query's rows begin
    upper: tuple[int, ...] = (4, 5, 6)  # layers that the upper ones are copies of
    narrow: int = 0  # width of a stored state; 0 keeps it whole
    likeness: bool = True  # MaxSim over the last rows
    cosine: bool = True  # the bi-encoder's own cosine
    exact: bool = False  # rows know whether their token stands in the passage
    lexical: bool = False  # what share of the query's words stands there, by learned weights


@dataclass
class Slice:
    """Units of similar length, laid out for attention; `Lay` and `Flatten` go from flat rows to this table and back."""

    row_at: Tensor  # (units * rows,): the slice's flat row at each place of the table; padding repeats row 0
    row_back: Tensor  # (flat rows,): the place of each flat row
    token_at: Tensor  # (units * tokens,)
    token_back: Tensor  # (flat tokens,)
    bias: Tensor  # (units, 1, rows, rows + tokens): large and negative where a row may not look


@dataclass
class Units:
    """A step's work. A unit is one passage with all its queries, whose rows stand one after the other.

    Flat tensors hold no padding: linear layers see real tokens alone. Units stand in the order of their slices.
    """

    rows: Tensor  # (row count, width): the queries' states, repeated for every unit
    memory: Tensor  # (passage tokens, width of memory)
    slices: list[Slice]
    pair: Tensor  # (row count,): pair of each row; pairs stand block after block, passage after passage
    first: Tensor  # (pairs,): its [CLS] row
    cosines: Tensor  # (pairs,): the bi-encoder's
    exact: Tensor  # (row count, 2): 1 where the row's token stands in the passage, and BM25's count of it


class Lay(torch.autograd.Function):
    """Rows at given places; the way back is a gather too, because every row has one place of its own."""

    @staticmethod
    def forward(ctx: Any, flat: Tensor, at: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return flat.index_select(0, at)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (back,) = ctx.saved_tensors
        return gradient.index_select(0, back), None, None


class Flatten(torch.autograd.Function):
    """The rows of a padded table without its padding; gradients of padding are zero."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, at: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(at, back)
        return table.index_select(0, back)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        at, back = ctx.saved_tensors
        real = torch.zeros(len(at), dtype=gradient.dtype)
        real[back] = 1
        return gradient.index_select(0, at) * real.view(-1, *[1] * (gradient.ndim - 1)), None, None


class Upper(nn.Module):
    """A transformer layer over the query's rows, which also reads a passage's narrow states."""

    def __init__(self, layer: nn.Module, width: int) -> None:
        super().__init__()
        own = layer.attention.self
        self.query, self.key, self.value = own.query, own.key, own.value
        self.memory_key, self.memory_value = nn.Linear(width, WIDTH), nn.Linear(width, WIDTH)
        self.output, self.norm = layer.attention.output.dense, layer.attention.output.LayerNorm
        self.widen, self.shrink, self.last = layer.intermediate.dense, layer.output.dense, layer.output.LayerNorm

    def begin(self, back: Tensor, shift: Tensor) -> None:
        """Keys and values as the copied layer had them, from narrow states through `back` and `shift`."""
        for ours, theirs in ((self.memory_key, self.key), (self.memory_value, self.value)):
            ours.weight.data = theirs.weight.data @ back.T
            ours.bias.data = theirs.weight.data @ shift + theirs.bias.data

    def forward(self, rows: Tensor, memory: Tensor, slices: Sequence[Slice]) -> Tensor:
        query = self.query(rows) * (WIDTH // HEADS) ** -0.5
        own = torch.cat([self.key(rows), self.value(rows)], -1)
        other = torch.cat([self.memory_key(memory), self.memory_value(memory)], -1)
        counts = [len(part.row_back) for part in slices]
        others = other.split([len(part.token_back) for part in slices])
        pieces = zip(query.split(counts), own.split(counts), others, slices, strict=True)
        mixed = torch.cat([_look(*piece) for piece in pieces])
        attended = self.norm(self.output(mixed) + rows)
        return self.last(self.shrink(functional.gelu(self.widen(attended))) + attended)


def _look(query: Tensor, own: Tensor, other: Tensor, part: Slice) -> Tensor:
    """A slice's attention: flat queries, flat keys with values of rows and of passage tokens -> flat mixed values."""
    units = len(part.bias)
    asking = _split(Lay.apply(query, part.row_at, part.row_back), units)
    read = [Lay.apply(own, part.row_at, part.row_back), Lay.apply(other, part.token_at, part.token_back)]
    read = torch.cat([states.view(units, -1, 2 * WIDTH) for states in read], 1)
    keys, values = _split(read[..., :WIDTH], units), _split(read[..., WIDTH:], units)
    share = torch.softmax(asking @ keys.transpose(-1, -2) + part.bias.to(asking.dtype), -1)
    mixed = (share @ values).transpose(1, 2).reshape(-1, WIDTH)
    return Flatten.apply(mixed, part.row_at, part.row_back)


def _split(flat: Tensor, units: int) -> Tensor:
    return flat.reshape(units, -1, HEADS, WIDTH // HEADS).transpose(1, 2)


class Reader(nn.Module):
    """Units -> `(pairs,)` logits: what [CLS] says, MaxSim over the rows and the bi-encoder's cosine, each scaled."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        bert = encoder.bert()
        wide = WIDTH * len(shape.memory)
        self.width = shape.narrow or wide
        self.narrow = nn.Linear(wide, self.width) if shape.narrow else nn.Identity()
        layers = [bert.encoder.layer[number - 1] for number in shape.upper]
        self.layers = nn.ModuleList([Upper(layer, self.width) for layer in layers])
        self.side = nn.Parameter(torch.zeros(WIDTH))
        self.dense, self.out = bert.pooler.dense, nn.Linear(WIDTH, 1)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)
        # Times GAIN, so that AdamW's small steps move it: likeness, the bi-encoder's cosine, shared words.
        self.gain = nn.Parameter(torch.tensor([10.0, 10.0, 8.0]) / GAIN)
        self.exact = nn.Linear(2, WIDTH, bias=False)
        nn.init.zeros_(self.exact.weight)
        self.match_row, self.match_token = nn.Linear(WIDTH, MATCH_WIDTH), nn.Linear(self.width, MATCH_WIDTH)
        self.weigh = nn.Linear(WIDTH, 1)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)
        self.weigh_word = nn.Linear(WIDTH, 1)
        nn.init.zeros_(self.weigh_word.weight)
        nn.init.zeros_(self.weigh_word.bias)

    def forward(self, units: Units) -> Tensor:
        rows = units.rows + self.side
        if self.shape.exact:
            rows = rows + self.exact(units.exact)
        memory = self.narrow(units.memory)
        for layer in self.layers:
            rows = layer(rows, memory, units.slices)
        logits = self.out(torch.tanh(self.dense(rows[units.first]))).squeeze(-1).float()
        gain = self.gain.float() * GAIN
        if self.shape.likeness:
            logits = logits + gain[0] * self._likeness(rows, memory, units)
        if self.shape.cosine:
            logits = logits + gain[1] * units.cosines
        if self.shape.lexical:
            logits = logits + gain[2] * _mean(self.weigh_word(units.rows), units.exact[:, 1].float(), units)
        return logits

    def _likeness(self, rows: Tensor, memory: Tensor, units: Units) -> Tensor:
        """Weighted mean over a query's rows of their best cosine to any token of the passage."""
        ours = functional.normalize(self.match_row(rows).float(), dim=-1).to(memory.dtype)
        theirs = functional.normalize(self.match_token(memory).float(), dim=-1).to(memory.dtype)
        counts = [len(part.row_back) for part in units.slices]
        theirs = theirs.split([len(part.token_back) for part in units.slices])
        best = [_best(*piece) for piece in zip(ours.split(counts), theirs, units.slices, strict=True)]
        return _mean(self.weigh(rows), torch.cat(best).float(), units)


def _mean(weights: Tensor, values: Tensor, units: Units) -> Tensor:
    """`(pairs,)` means of the rows' values, by the softmax of their weights within a pair."""
    # Weights stay near each other, so that the softmax needs no largest one subtracted.
    shares = torch.exp(weights.squeeze(-1).float().clamp(-15, 15))
    zeros = torch.zeros(len(units.first))
    return zeros.index_add(0, units.pair, shares * values) / zeros.index_add(0, units.pair, shares)


def _best(ours: Tensor, theirs: Tensor, part: Slice) -> Tensor:
    """Each flat row's largest cosine to a token of its passage."""
    units = len(part.bias)
    rows = Lay.apply(ours, part.row_at, part.row_back).view(units, -1, MATCH_WIDTH)
    tokens = Lay.apply(theirs, part.token_at, part.token_back).view(units, -1, MATCH_WIDTH)
    likeness = rows @ tokens.transpose(1, 2) + part.bias[:, 0, :1, -tokens.shape[1] :].to(rows.dtype)
    return Flatten.apply(likeness.amax(-1).flatten(), part.row_at, part.row_back)


@torch.no_grad()
def begin(model: Reader, texts: Sequence[str], store: Store) -> None:
    """Sets the projection to principal components, and each layer's view of the passage by least squares.

    `texts` are passages in the store; the layers' own inputs are computed anew for them.
    """
    shape = model.shape
    deepest = sorted({number - 1 for number in shape.upper} | {max(shape.upper)})
    lower = Lower(deepest)
    made = lower([store.ids(text).astype(int).tolist() for text in texts])
    stored = torch.cat([memory_of(store, text, shape.memory) for text in texts])
    center = stored.mean(0)
    if shape.narrow:
        basis = components(stored, shape.narrow)
        spread = ((stored - center) @ basis.T).std(0).mean()
        model.narrow.weight.copy_(basis / spread)
        model.narrow.bias.copy_(-(basis @ center) / spread)
        stored = model.narrow(stored)
    ones = torch.cat([stored, torch.ones(len(stored), 1)], 1).double()
    gram = ones.T @ ones + 1e-3 * len(ones) * torch.eye(ones.shape[1]).double() * ones.var(0).mean()
    for layer, number in zip(model.layers, shape.upper, strict=True):
        column = deepest.index(number - 1)
        wanted = torch.cat([states[column] for states in made]).double()
        back = torch.linalg.solve(gram, ones.T @ wanted).float()
        left = (wanted - ones @ back.double()).var(0).sum() / wanted.var(0).sum()
        print(f"layer {number}: {1 - left:.3f} of the variance of its input is in the stored states", flush=True)
        layer.begin(back[:-1], back[-1])
    # MaxSim begins as the cosine of whole last states, seen through their principal components.
    last = torch.cat([states[deepest.index(max(shape.upper))] for states in made]).float()
    basis = components(last, MATCH_WIDTH)
    model.match_row.weight.copy_(basis)
    model.match_row.bias.zero_()
    back = torch.linalg.solve(gram, ones.T @ last.double()).float()
    model.match_token.weight.copy_(basis @ back[:-1].T)
    model.match_token.bias.copy_(basis @ back[-1])


@torch.no_grad()
def begin_words(model: Reader, texts: Sequence[str], store: Store) -> None:
    """Weights of shared words begin as the inverse document frequency in `texts`, by least squares over the states."""
    counts = np.zeros(2**16)
    for text in texts:
        counts[np.unique(store.ids(text))] += 1
    idf = np.log(1 + (len(texts) - counts + 0.5) / (counts + 0.5))
    some = texts[:: max(len(texts) // 300, 1)]
    states = torch.cat([memory_of(store, text, (model.shape.begin,)) for text in some]).double()
    wanted = torch.from_numpy(np.log(np.maximum(idf[np.concatenate([store.ids(text) for text in some])], 0.02)))
    ones = torch.cat([states, torch.ones(len(states), 1)], 1)
    gram = ones.T @ ones + 1e-3 * len(ones) * torch.eye(ones.shape[1]).double() * states.var(0).mean()
    found = torch.linalg.solve(gram, ones.T @ wanted).float()
    left = (wanted - ones @ found.double()).var() / wanted.var()
    print(f"words: {1 - left:.3f} of the variance of the logarithm of their idf is in the states", flush=True)
    model.weigh_word.weight.copy_(found[None, :-1])
    model.weigh_word.bias.copy_(found[-1:])


def warm(model: Reader, state: Mapping[str, Tensor]) -> None:
    """Layers and the [CLS] part from the packaged cross-encoder, where training has already changed them."""
    own = {"bert." + name: value for name, value in encoder.bert().state_dict().items()} | dict(state)
    for layer, number in zip(model.layers, model.shape.upper, strict=True):
        prefix = f"bert.encoder.layer.{number - 1}."
        places = {
            "query": "attention.self.query",
            "key": "attention.self.key",
            "value": "attention.self.value",
            "output": "attention.output.dense",
            "norm": "attention.output.LayerNorm",
            "widen": "intermediate.dense",
            "shrink": "output.dense",
            "last": "output.LayerNorm",
        }
        for ours, theirs in places.items():
            part = {kind: own[f"{prefix}{theirs}.{kind}"] for kind in ("weight", "bias")}
            getattr(layer, ours).load_state_dict(part)
    for name in ("dense", "out"):
        part = {kind: own[f"heads.6.{name}.{kind}"] for kind in ("weight", "bias")}
        getattr(model, name).load_state_dict(part)


def components(states: Tensor, count: int) -> Tensor:
    """`(count, width)`: the directions in which the states spread most, largest first."""
    _, vectors = torch.linalg.eigh(torch.cov(states.T.double()))
    return vectors.flip(1)[:, :count].T.float()


def memory_of(store: Store, text: str, levels: Sequence[int]) -> Tensor:
    """`(tokens, width * levels)` fp32 states."""
    return torch.from_numpy(np.concatenate([store.read(text, at) * store.scales[at] for at in levels], 1))


def mean_state(store: Store, text: str) -> Tensor:
    """The bi-encoder's unit vector, from the stored last states; kept in memory once made."""
    name = key(text)
    if name not in store.means:
        store.means[name] = functional.normalize(memory_of(store, text, (6,)).mean(0), dim=0)
    return store.means[name]


@dataclass(frozen=True)
class Unit:
    """One passage, the queries that read it, and the first of its pairs."""

    passage: str
    queries: tuple[str, ...]
    lengths: tuple[int, ...]
    tokens: int
    pair: int


def units_of(blocks: Sequence[Mapping[str, Any]], store: Store, shape: Shape, *, most: int = 6000) -> Units:
    """The units of blocks with "queries" and "passages": every query with every passage of its block."""
    units, pair = [], 0
    for block in blocks:
        queries = tuple(block["queries"])
        lengths = tuple(len(store.ids(text)) for text in queries)
        for text in block["passages"]:
            units.append(Unit(text, queries, lengths, len(store.ids(text)), pair))
            pair += len(queries)
    parts = _similar(units, most)
    units = [unit for part in parts for unit in part]
    size = torch.tensor([length for unit in units for length in unit.lengths])
    number = torch.cat([torch.arange(unit.pair, unit.pair + len(unit.queries)) for unit in units])
    first = torch.empty(pair, dtype=torch.long)
    first[number] = size.cumsum(0) - size
    kept: dict[str, Tensor] = {text: memory_of(store, text, (shape.begin,)) for unit in units for text in unit.queries}
    cosines = torch.empty(pair)
    cosines[number] = torch.cat([_cosines(store, unit) for unit in units])
    return Units(
        torch.cat([kept[text] for unit in units for text in unit.queries]).bfloat16(),
        torch.cat([memory_of(store, unit.passage, shape.memory) for unit in units]).bfloat16(),
        [_slice(part) for part in parts],
        number.repeat_interleave(size),
        first,
        cosines,
        torch.cat([_exact(store, unit) for unit in units]) if shape.exact else torch.zeros(0, 2),
    )


def _cosines(store: Store, unit: Unit) -> Tensor:
    return torch.stack([mean_state(store, text) for text in unit.queries]) @ mean_state(store, unit.passage)


def _exact(store: Store, unit: Unit) -> Tensor:
    theirs, counts = np.unique(store.ids(unit.passage), return_counts=True)
    asked = np.concatenate([store.ids(text) for text in unit.queries])
    at = np.searchsorted(theirs, asked).clip(max=len(theirs) - 1)
    times = np.where(theirs[at] == asked, counts[at], 0)
    saturated = times * 2.2 / (times + 1.2 * (0.25 + 0.75 * unit.tokens / USUAL_TOKENS))
    return torch.from_numpy(np.stack([times > 0, saturated], 1).astype(np.float32)).bfloat16()


def _similar(units: Sequence[Unit], most: int) -> list[list[Unit]]:
    """Slices of units of similar length, at most about `most` places each."""
    ordered = sorted(units, key=lambda unit: (unit.tokens, sum(unit.lengths)))
    out: list[list[Unit]] = [[]]
    rows = tokens = 0
    for unit in ordered:
        wide, long = max(rows, sum(unit.lengths)), max(tokens, unit.tokens)
        if out[-1] and (wide + long) * (len(out[-1]) + 1) > most:
            out.append([])
            wide, long = sum(unit.lengths), unit.tokens
        out[-1].append(unit)
        rows, tokens = wide, long
    return out


def _slice(units: Sequence[Unit]) -> Slice:
    rows, tokens = max(sum(unit.lengths) for unit in units), max(unit.tokens for unit in units)
    row_at = torch.zeros(len(units), rows, dtype=torch.long)
    token_at = torch.zeros(len(units), tokens, dtype=torch.long)
    bias = torch.full((len(units), 1, rows, rows + tokens), -10000.0)
    row_back, token_back, row, token = [], [], 0, 0
    for number, unit in enumerate(units):
        total = sum(unit.lengths)
        row_at[number, :total] = torch.arange(row, row + total)
        token_at[number, : unit.tokens] = torch.arange(token, token + unit.tokens)
        row_back.append(number * rows + torch.arange(total))
        token_back.append(number * tokens + torch.arange(unit.tokens))
        row, token = row + total, token + unit.tokens
        bias[number, 0, :, rows : rows + unit.tokens] = 0
        at = 0
        for own in unit.lengths:
            bias[number, 0, at : at + own, at : at + own] = 0
            at += own
    return Slice(row_at.flatten(), torch.cat(row_back), token_at.flatten(), torch.cat(token_back), bias)
