"""What the server in `serve.py` must answer to every client."""

from __future__ import annotations

import math

QUERY = "when is tax due"
DOCUMENTS = ["cats sleep all day", "tax is due in april when it rains", "a tax"]
LOGITS = [-0.5, 0.5, -0.25]
ORDER = [1, 2, 0]
SCORES = [1 / (1 + math.exp(-logit)) for logit in LOGITS]
MODEL = "words"
"""The name of the server's reranker."""

BEST = [(place, SCORES[place]) for place in ORDER]
"""(index, score), best first."""
