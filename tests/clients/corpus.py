"""The texts, the search and the reranker of the tests of frameworks."""

from __future__ import annotations

from fakes import WordReranker
from shortlist.search.filters import predicates_of
from shortlist.search.search import Search

QUERY = "when is tax due"
TEXTS = {
    "cats": "cats sleep all day",
    "tax": "tax is due in april when it rains",
    "a": "a tax",
    "sea": "the sea",
    "red": "red",
    "sky": "the sky",
}
"""In the order of stage one."""
RERANKED = ["tax", "a", "cats"]


def rows(query: str, k: int, where: dict | None = None) -> list[dict]:
    """Stage one: every text in a fixed order, with a falling score. The first text is of the year 2020."""
    years = next((test.values for test in predicates_of(where) if test.field == "year"), range(2020, 2030))
    numbered = [
        {"id": key, "text": text, "score": 1 - place / 10, "document_id": f"{key}.md", "metadata": {"year": year}}
        for place, ((key, text), year) in enumerate(zip(TEXTS.items(), range(2020, 2026), strict=True))
    ]
    return [row for row in numbered if row["metadata"]["year"] in years][:k]


def make_search() -> Search:
    return Search(rows, WordReranker())


SCORES = {"rank": 1, "rerank_score": 1.0, "retrieval_score": 0.9, "retrieval_rank": 2}
"""The metadata of the first result."""
