"""The cross-encoder: MiniLM's layers, with one scoring head on [CLS] after each exit layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertModel


class Head(nn.Module):
    """[CLS] state -> one logit: dense, tanh, linear, the shape of BERT's own pooler and classifier."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, state: Tensor) -> Tensor:
        return self.out(torch.tanh(self.dense(state))).squeeze(-1)


class EarlyExitCrossEncoder(nn.Module):
    """Scores `(batch, length)` token ids at every exit layer: `(exits, batch)` float32 logits.

    The last layer computes the [CLS] row alone, which changes nothing in its score.
    """

    def __init__(self, bert: BertModel, exits: list[int]) -> None:
        super().__init__()
        self.bert = bert
        self.exits = exits
        self.heads = nn.ModuleDict({str(layer): Head(bert.config.hidden_size) for layer in exits})
        for head in self.heads.values():
            nn.init.normal_(head.out.weight, std=0.02)
            nn.init.zeros_(head.out.bias)
            head.dense.load_state_dict(bert.pooler.dense.state_dict())

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
        states = self.bert.embeddings(input_ids=ids, token_type_ids=types)
        bias = (1.0 - mask[:, None, None, :].to(states.dtype)) * -10000.0
        layers = self.bert.encoder.layer
        logits = []
        for number, layer in enumerate(layers, start=1):
            states = self._layer(layer, states, bias, cls_only=number == len(layers))
            if number in self.exits:
                logits.append(self.heads[str(number)](states[:, 0]).float())
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
