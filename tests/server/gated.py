"""A reranker for a server in another process. It waits while the file that SHORTLIST_TEST_GATE names exists."""

from __future__ import annotations

import os
import time
from pathlib import Path

from shortlist import CrossEncoder


class GatedCrossEncoder(CrossEncoder):
    """The model in the folder that SHORTLIST_TEST_MODEL names."""

    def __init__(self):
        super().__init__(os.environ["SHORTLIST_TEST_MODEL"])
        self._gate = Path(os.environ["SHORTLIST_TEST_GATE"])

    def score_pairs(self, pairs):
        while self._gate.exists():
            time.sleep(0.01)
        return super().score_pairs(pairs)
