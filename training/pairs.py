"""The cross-encoder: MiniLM's layers over flat rows, with a scoring head after each exit.

The table [model] of the configuration has the exits, and `apart`: the number of lower layers in which query and passage
do not see each other. It is 0 in the packaged model. With more, positions of a passage begin at a fixed number, so its
states after these layers depend on nothing but its text, and an index can store them (PreTTR, arXiv 2004.14255). Each
text of a training step then passes these layers once, whatever the number of its pairs. The last layer computes [CLS]
alone; its head reads the token states of the layer before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import config
import encoder
from flat import MASKED, Slice, slices_of, split

WIDTH, HEADS, MATCH_WIDTH = 384, 12, 128
MODEL = config.load()["model"]
APART: int = MODEL["apart"]
EXITS: tuple[int, ...] = tuple(MODEL["exits"])
PASSAGE_POSITION = 16 if APART else None
QUERY_WINDOW, PASSAGE_WINDOW = 64, 224


class Layer(nn.Module):
    """A transformer layer over flat rows."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        own = layer.attention.self
        self.query, self.key, self.value = own.query, own.key, own.value
        self.output, self.norm = layer.attention.output.dense, layer.attention.output.LayerNorm
        self.widen, self.shrink, self.last = layer.intermediate.dense, layer.output.dense, layer.output.LayerNorm

    def forward(self, rows: Tensor, slices: Sequence[Slice]) -> Tensor:
        projected = torch.cat([self.query(rows) * (WIDTH // HEADS) ** -0.5, self.key(rows), self.value(rows)], -1)
        parts = zip(split(projected, slices), slices, strict=True)
        return self._after_attention(torch.cat([_attend(*part) for part in parts]), rows)

    def first(self, rows: Tensor, slices: Sequence[Slice]) -> Tensor:
        """Return the new first row of each sequence, and compute no other row."""
        parts = list(zip(split(rows, slices), slices, strict=True))
        mixed = torch.cat([self._attend_first(flat, part) for flat, part in parts])
        return self._after_attention(mixed, torch.cat([part.firsts(flat) for flat, part in parts]))

    def _attend_first(self, flat: Tensor, part: Slice) -> Tensor:
        table = part.table(torch.cat([self.key(flat), self.value(flat)], -1))
        query = _by_head((self.query(part.firsts(flat)) * (WIDTH // HEADS) ** -0.5)[:, None])
        mixed = _mixed(query, _by_head(table[..., :WIDTH]), _by_head(table[..., WIDTH:]), part.bias)
        return mixed.transpose(1, 2).reshape(-1, WIDTH)

    def _after_attention(self, mixed: Tensor, rows: Tensor) -> Tensor:
        attended = self.norm(self.output(mixed) + rows)
        return self.last(self.shrink(functional.gelu(self.widen(attended))) + attended)


def _by_head(table: Tensor) -> Tensor:
    return table.view(table.shape[0], table.shape[1], HEADS, -1).transpose(1, 2)


def _mixed(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    return torch.softmax(query @ key.transpose(-1, -2) + bias.to(query.dtype), -1) @ value


def _attend(projected: Tensor, part: Slice) -> Tensor:
    table = part.table(projected)
    query, key, value = (_by_head(table[..., at : at + WIDTH]) for at in (0, WIDTH, 2 * WIDTH))
    return part.rows_of(_mixed(query, key, value, part.bias).transpose(1, 2).reshape(-1, WIDTH))


class Match(nn.Module):
    """The weights of MaxSim: a projection of token states, and a weight of each query token."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(WIDTH, MATCH_WIDTH)
        self.weigh = nn.Linear(WIDTH, 1)


class Head(nn.Module):
    """[CLS] state and token states -> one logit a pair.

    A logit is the sum of BERT's pooler and classifier on [CLS], the weighted mean over query tokens of their best
    cosine to a passage token (ColBERT's MaxSim, arXiv 2004.12832), and the cosine of both sides' mean states. The two
    likenesses are scaled. The bi-encoder's states are good at both from the first step on, and [CLS] is not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, 1)
        self.match = Match()
        self.scale = nn.Parameter(torch.tensor([10.0, 10.0]))

    def forward(self, first: Tensor, rows: Tensor, side: Tensor, slices: Sequence[Slice]) -> Tensor:
        small = functional.normalize(self.match.project(rows).float(), dim=-1).to(rows.dtype)
        weights = self.match.weigh(rows).squeeze(-1)
        tensors = (split(tensor, slices) for tensor in (small, weights, rows, side))
        parts = [_likenesses(*part) for part in zip(*tensors, slices, strict=True)]
        best, cosine = (torch.cat([part[number] for part in parts]) for number in (0, 1))
        classified = self.out(torch.tanh(self.dense(first))).squeeze(-1).float()
        scale = self.scale.float()
        return classified + scale[0] * best + scale[1] * cosine


def _likenesses(small: Tensor, weights: Tensor, rows: Tensor, side: Tensor, part: Slice) -> tuple[Tensor, Tensor]:
    """Return `(pairs,)` MaxSim by learned weights of the query's rows, and `(pairs,)` cosines of the mean rows."""
    real = part.bias.view(part.sequences, -1) == 0
    on_passage = side[part.at].view(part.sequences, -1).bool()
    query, passage = ~on_passage & real, on_passage & real
    table = part.table(small)
    likeness = (table @ table.transpose(1, 2)).float().masked_fill(~passage[:, None], -10.0)
    weight_table = weights[part.at].view(part.sequences, -1).float()
    share = torch.softmax(weight_table.masked_fill(~query, MASKED), -1)
    wide = part.table(rows).float()
    means = [(wide * mask[..., None]).sum(1) for mask in (query, passage)]
    return (share * likeness.amax(-1)).sum(-1), functional.cosine_similarity(means[0], means[1], dim=-1)


@dataclass
class Batch:
    """Texts in the order of their slices, then pairs in the order of theirs."""

    ids: Tensor  # (text rows,)
    positions: Tensor  # (text rows,) if the model has layers apart, otherwise (pair rows,)
    types: Tensor  # (text rows,): 0 query, 1 passage
    texts: list[Slice]
    gather: Tensor  # (pair rows,): the text row that each row of a pair begins as
    side: Tensor  # (pair rows,): 0 query, 1 passage
    pairs: list[Slice]
    back: Tensor  # (pairs,): the place of each pair in the order of blocks: passage by passage, queries within


class PairTokenizer:
    """Token ids of texts, kept in memory."""

    def __init__(self) -> None:
        self.tokenizer = encoder.tokenizer()
        self.kept: dict[tuple[str, bool], list[int]] = {}

    def ids(self, text: str, *, passage: bool) -> list[int]:
        """Return the ids of `[CLS] query [SEP]` or `passage [SEP]`, cut to the window."""
        key = (text, passage)
        if key not in self.kept:
            ids = self.tokenizer.encode(text).ids
            body, window = (ids[1:-1], PASSAGE_WINDOW) if passage else (ids[:-1], QUERY_WINDOW)
            self.kept[key] = [*body[: window - 1], ids[-1]]
        return self.kept[key]


def batch_of(blocks: Sequence[Mapping[str, Any]], tokenizer: PairTokenizer) -> Batch:
    """Return every query of each block with every passage of its block."""
    texts: dict[tuple[str, bool], int] = {}
    pairs: list[tuple[int, int]] = []
    for block in blocks:
        queries = [texts.setdefault((text, False), len(texts)) for text in block["queries"]]
        passages = [texts.setdefault((text, True), len(texts)) for text in block["passages"]]
        pairs += [(query, passage) for passage in passages for query in queries]
    ids = [tokenizer.ids(text, passage=passage) for text, passage in texts]
    is_passage = [passage for _, passage in texts]
    order, text_slices = slices_of([len(row) for row in ids])
    rows_of_text, start = [range(0)] * len(ids), 0
    for number in order:
        rows_of_text[number] = range(start, start + len(ids[number]))
        start += len(ids[number])
    pair_order, pair_slices = slices_of([len(ids[query]) + len(ids[passage]) for query, passage in pairs])
    back = torch.empty(len(pairs), dtype=torch.long)
    back[torch.tensor(pair_order)] = torch.arange(len(pairs))
    sides = [side for number in pair_order for side in enumerate(pairs[number])]
    if PASSAGE_POSITION is None:
        positions = [torch.arange(sum(len(ids[text]) for text in pairs[n])) for n in pair_order]
    else:
        positions = [torch.arange(len(ids[n])) + PASSAGE_POSITION * is_passage[n] for n in order]
    return Batch(
        torch.tensor([token for number in order for token in ids[number]]),
        torch.cat(positions),
        torch.tensor([int(is_passage[number]) for number in order for _ in ids[number]]),
        text_slices,
        torch.cat([torch.arange(rows_of_text[n].start, rows_of_text[n].stop) for _, n in sides]),
        torch.tensor([side for side, number in sides for _ in ids[number]]),
        pair_slices,
        back,
    )


class PairEncoder(nn.Module):
    """A batch -> `(exits, pairs)` float32 logits."""

    def __init__(self) -> None:
        super().__init__()
        bert = encoder.bert()
        embeddings = bert.embeddings
        self.words, self.places = embeddings.word_embeddings, embeddings.position_embeddings
        self.types, self.norm = embeddings.token_type_embeddings, embeddings.LayerNorm
        self.layers = nn.ModuleList([Layer(layer) for layer in bert.encoder.layer])
        self.heads = nn.ModuleDict({str(level): Head() for level in EXITS})
        for parameter in (*self.words.parameters(), *self.places.parameters()):
            parameter.requires_grad = False

    def forward(self, batch: Batch) -> Tensor:
        return self.together(self.apart(batch), batch)

    def apart(self, batch: Batch) -> Tensor:
        """Return `(text rows, width)`: the states of each text after the layers apart; its words if there are none."""
        rows = self.words(batch.ids)
        if APART:
            rows = self._placed(rows, batch.positions, batch.types)
        for layer in self.layers[:APART]:
            rows = layer(rows, batch.texts)
        return rows

    def together(self, rows: Tensor, batch: Batch) -> Tensor:
        """Return the logits from the states of `apart`."""
        rows = rows.index_select(0, batch.gather)
        if not APART:
            rows = self._placed(rows, batch.positions, batch.side)
        logits = [self._early(APART, rows, batch)] if APART in EXITS else []
        for level, layer in enumerate(self.layers[APART:-1], start=APART + 1):
            rows = layer(rows, batch.pairs)
            if level in EXITS:
                logits.append(self._early(level, rows, batch))
        first = self.layers[-1].first(rows, batch.pairs)
        logits.append(self.heads[str(len(self.layers))](first, rows, batch.side, batch.pairs))
        return torch.stack(logits)[:, batch.back]

    def _placed(self, words: Tensor, positions: Tensor, types: Tensor) -> Tensor:
        return self.norm(words + self.places(positions) + self.types(types))

    def _early(self, level: int, rows: Tensor, batch: Batch) -> Tensor:
        parts = zip(split(rows, batch.pairs), batch.pairs, strict=True)
        first = torch.cat([part.firsts(flat) for flat, part in parts])
        return self.heads[str(level)](first, rows, batch.side, batch.pairs)


BERT_NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "norm": "attention.output.LayerNorm",
    "widen": "intermediate.dense",
    "shrink": "output.dense",
    "last": "output.LayerNorm",
}
"""Part of a layer here -> its name in BERT."""


def bert_name(name: str) -> str:
    """Return the name that BERT has for a parameter of the pair encoder, without "bert."; heads keep theirs."""
    if name.startswith("heads."):
        return name
    first, _, rest = name.partition(".")
    if first == "layers":
        number, part, kind = rest.split(".")
        return f"encoder.layer.{number}.{BERT_NAMES[part]}.{kind}"
    table = {"words": "word_embeddings", "places": "position_embeddings", "types": "token_type_embeddings"}
    return f"embeddings.{table.get(first, 'LayerNorm')}.{rest}"


def begin_from_v1(model: PairEncoder, state: Mapping[str, Tensor]) -> None:
    """Load the trained weights that `unpack.py` wrote. A head after layer 3 begins as v1's head after layer 4.

    The frozen embeddings of words and positions stay those of the bi-encoder.
    """
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    own = {name: state[bert_name(name).replace("heads.3.", "heads.4.")] for name in trained}
    model.load_state_dict(own, strict=False)


def load(path: Path, *, average: bool = True) -> PairEncoder:
    """Return the model of a checkpoint of `learn.py`, by its running average or by its last weights."""
    kept = torch.load(path, map_location="cpu", weights_only=True)
    model = PairEncoder().eval()
    model.load_state_dict({**kept["model"], **(kept["average"] if average else {})})
    return model
