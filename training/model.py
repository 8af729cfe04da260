"""The cross-encoder: MiniLM's layers, with a scoring head after each exit layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertModel

MATCH_WIDTH = 128


class Match(nn.Module):
    """Token states of a pair -> two likenesses of query and passage, each `(batch,)`.

    The first is a weighted mean over query tokens of their best cosine to any passage token (ColBERT's MaxSim,
    arXiv 2004.12832, here over states that have already seen the other side), the second the cosine of the mean
    states. The bi-encoder's states are good at both from the first step on, which [CLS] is not.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, MATCH_WIDTH)
        self.weigh = nn.Linear(width, 1)
        nn.init.orthogonal_(self.project.weight)
        nn.init.zeros_(self.project.bias)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)

    def forward(self, states: Tensor, types: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        side = types.to(states.dtype)
        passage = side * mask
        query = (1 - side) * mask
        small = functional.normalize(self.project(states), dim=-1)
        likeness = small @ small.transpose(1, 2) - 10.0 * (1 - passage[:, None, :])
        share = torch.softmax(self.weigh(states).squeeze(-1) - 10000.0 * (1 - query), -1)
        best = (share * likeness.max(-1).values).sum(-1)
        means = [(states * part[..., None]).sum(1) for part in (query, passage)]
        return best, functional.cosine_similarity(means[0], means[1], dim=-1)


class Head(nn.Module):
    """[CLS] state and token states -> one logit: BERT's pooler and classifier, and both likenesses, each scaled."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)
        self.match = Match(width)
        self.scale = nn.Parameter(torch.tensor([10.0, 10.0]))

    def forward(self, state: Tensor, states: Tensor, types: Tensor, mask: Tensor) -> Tensor:
        best, cosine = self.match(states, types, mask)
        return self.out(torch.tanh(self.dense(state))).squeeze(-1) + self.scale[0] * best + self.scale[1] * cosine


class EarlyExitCrossEncoder(nn.Module):
    """Scores `(batch, length)` token ids at every exit layer: `(exits, batch)` float32 logits.

    The last layer computes the [CLS] row alone: the last head reads token states from the layer before. In the first
    `apart` layers query and passage do not see each other, so a passage's states could be stored (PreTTR,
    arXiv 2004.14255); 0 in the packaged model.
    """

    def __init__(self, bert: BertModel, exits: list[int], apart: int = 0) -> None:
        super().__init__()
        self.bert = bert
        self.exits = exits
        self.apart = apart
        self.heads = nn.ModuleDict({str(layer): Head(bert.config.hidden_size) for layer in exits})
        for head in self.heads.values():
            nn.init.normal_(head.out.weight, std=0.02)
            nn.init.zeros_(head.out.bias)
            head.dense.load_state_dict(bert.pooler.dense.state_dict())

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
        states = self.bert.embeddings(input_ids=ids, token_type_ids=types)
        real = mask.to(states.dtype)
        bias = (1.0 - real[:, None, None, :]) * -10000.0
        wall = (types[:, :, None] != types[:, None, :])[:, None].to(states.dtype) * -10000.0 if self.apart else bias
        layers = self.bert.encoder.layer
        logits = []
        for number, layer in enumerate(layers, start=1):
            last = number == len(layers)
            after = self._layer(layer, states, bias + wall if number <= self.apart else bias, cls_only=last)
            tokens = states if last else after
            states = after
            if number in self.exits:
                logits.append(self.heads[str(number)](after[:, 0], tokens, types, real).float())
        return torch.stack(logits)

    def _layer(self, layer: nn.Module, states: Tensor, bias: Tensor, *, cls_only: bool) -> Tensor:
        attention = layer.attention.self
        asking = states[:, :1] if cls_only else states
        heads = self.bert.config.num_attention_heads

        def split(tensor: Tensor) -> Tensor:
            return tensor.view(tensor.shape[0], tensor.shape[1], heads, -1).transpose(1, 2)

        # Written out because the fused kernel's backward pass took a third of a training step on two cores.
        query, key = split(attention.query(asking)), split(attention.key(states))
        likeness = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        mixed = torch.softmax(likeness + bias, -1).to(query.dtype) @ split(attention.value(states))
        mixed = mixed.transpose(1, 2).reshape(asking.shape)
        output = layer.attention.output
        attended = output.LayerNorm(output.dense(mixed) + asking)
        widened = functional.gelu(layer.intermediate.dense(attended))
        return layer.output.LayerNorm(layer.output.dense(widened) + attended)
