"""A DSPy retriever with a reranker in this process. It needs: pip install 'shortlist[dspy]'."""

from __future__ import annotations

import shortlist as sl
from shortlist.integrations.dspy import ShortlistRetriever

TEXTS = ["Cats sleep most of the day.", "The tax office opens at nine.", "Income tax is due in April."]


def main() -> list[str]:
    search = sl.Search(lambda query, k: TEXTS[:k], sl.load_reranker())  # your own search, or sl.open("my-index")
    retriever = ShortlistRetriever(search, k=2)
    prediction = retriever("when is income tax due")
    for text, score in zip(prediction.passages, prediction.scores, strict=True):
        print(f"{score:+.2f}  {text}")
    return prediction.passages


if __name__ == "__main__":
    main()
