"""What an index of Markdown files keeps, and what models and BM25 get of them."""

from __future__ import annotations

import json

import shortlist
from shortlist.config import SearchConfig


def test_an_index_keeps_the_text_of_the_author_and_searches_the_words(tmp_path):
    text = "# Menu\n\nThe caf&eacute; serves [tea](https://x.org/oolong).\n\n<!-- secret draft -->\n\nBye.\n"
    (tmp_path / "menu.md").write_text(text)
    with shortlist.open(tmp_path / "ix", create=True, config=SearchConfig(bi_encoder="hashed-64")) as index:
        index.add(tmp_path / "menu.md")
    with shortlist.open(tmp_path / "ix", config=SearchConfig(rerank=False)) as index:
        [hit] = index.search("caf\u00e9")
        assert hit.signals["bm25"] > 0
        for word in ("eacute", "oolong", "secret"):
            assert index.search(word)[0].signals.get("bm25", 0) == 0
    assert "caf&eacute; serves [tea](https://x.org/oolong)" in hit.text
    assert "caf\u00e9 serves tea." in hit.passage.content
    assert "secret" not in json.dumps(hit.to_dict())
    assert text[hit.passage.start : hit.passage.end].endswith("Bye.")
