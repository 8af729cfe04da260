"""`/search`: both stages, budgets, failures."""

from __future__ import annotations


def test_both_stages_are_shown(client):
    found = client.post("/search", json={"query": "when is tax due", "k": 3}).json()
    assert found["rerank_status"] == "ok"
    assert found["why_not"] == ""
    assert found["scored"] == 5
    assert [hit["id"] for hit in found["hits"]] == ["p5", "p2", "p3"]
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    assert found["hits"][0]["retrieval_rank"] == 5
    assert found["hits"][0]["rerank_score"] == 1.0
    assert found["labels"] is None
    assert set(found["seconds"]) == {"retrieve", "rerank", "total"}
