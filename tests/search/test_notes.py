"""Every note of a search has a code in the table, and every code has words."""

import pytest

from note_codes import PACKAGE, codes_of_notes, codes_of_table
from shortlist.documents import notes as not_read
from shortlist.search import notes
from shortlist.types import Note
from shortlist.wording import WORDS, describe

EXAMPLES = [
    (Note("query_truncated", window=256), "window of 256 tokens: stage one read only its start"),
    (Note("stage_one_approximate"), "compared compact vectors first"),
    (
        Note("rerank_skipped", reason="query_too_long", tokens=90, longest=62, reranker="m"),
        "not reranked: the query has 90 tokens, and m was trained on queries of up to 62",
    ),
    (
        Note("scores_uncertain", reason="query_too_long", tokens=90, longest=62, reranker="m"),
        "a search would not rerank: the query has 90 tokens, and m was trained on queries of up to 62",
    ),
    (
        Note("rerank_partial", scored=8, pool=50, cause="budget"),
        "the time limit budget_ms ended after 8 of 50 passages",
    ),
    (Note("pool_stopped", scored=16, pool=50, top_k=5), "16 of 50 passages scored"),
    (
        Note("no_stop_rule", reason="not_fitted"),
        "stored for this search. Make one with: shortlist calibrate QUERIES --index DIR",
    ),
    (
        Note("fit_outdated", fit="stop_rule", fitted_on=2, passages=3),
        "there are now 3: calibrate again with: shortlist calibrate QUERIES --index DIR",
    ),
    (
        Note("no_gate", reason="not_fitted", options=" --fusion 0.8 --expand rm3"),
        "shortlist calibrate QUERIES --index DIR --fusion 0.8 --expand rm3",
    ),
    (Note("no_stop_rule", reason="not_reranked"), "the search does not rerank"),
    (
        Note("left_out", count=5, hits=5, min_score=1000.0, min_probability=None),
        "5 of 5 hits left out below min_score 1000",
    ),
    (
        Note("unscored_left_out", count=3, hits=5, min_score=2.5, min_probability=None),
        "3 of 5 hits left out: without a score of the reranker, a hit does not reach min_score 2.5",
    ),
    (Note("left_out", count=1, hits=1, min_score=2.5, min_probability=None), "1 of 1 hit left out below min_score 2.5"),
    (
        Note("no_good_answer", best_score=1.25, best_probability=0.125, min_score=None, min_probability=0.5),
        "no good answer: the best passage has probability 0.125, below min_probability 0.5",
    ),
    (
        Note("numbers_unused", count=2, fields=["score", "signals"]),
        "the final score does not include the score and signals of 2 documents",
    ),
    (Note("metadata_unread", count=1, field="meta"), "1 row has a meta that is not JSON: a filter does not find it"),
    (
        Note("metadata_unread", count=2, field="meta"),
        "2 rows have a meta that is not JSON: a filter does not find them",
    ),
    (
        Note("filter_unknown_value", field="year", conditions=["year>2030"], values=[2024, "2023"]),
        "no passage matches the filter year>2030: some values of year are 2024, '2023'",
    ),
    (
        Note("filter_unknown_value", field="year", conditions=["year=1"], values=[]),
        "no passage matches the filter year=1",
    ),
    (Note("folded", count=1), "1 duplicate left out: the text is that of a hit, or almost the same; to show it, use"),
    (
        Note("folded", count=2),
        "2 duplicates left out: the text is that of a hit, or almost the same; to show them, use",
    ),
    (
        Note("document_limit", count=1, per_document=2),
        "per_document is 2: 1 hit left out, because its document has 2 better",
    ),
    (
        Note("document_limit", count=3, per_document=1),
        "per_document is 1: 3 hits left out, because their documents have 1 better",
    ),
    (Note("filter_unknown_field", field="yaer", fields=["title", "year"]), "'yaer': the fields are title, year"),
    (
        Note("filter_unknown_field", field="yaer", fields=["year"], more=0, read=1000),
        "none of the first 1000 passages has the field 'yaer': the fields are year",
    ),
    (
        Note("states_unused", reason="other_reranker", made_by="a", reranker="b"),
        "those of a, not of b. Renew them with: shortlist add --precompute --index DIR",
    ),
    (Note("states_unused", reason="other_weights", made_by="a", reranker="a"), "those of other weights of a. Renew"),
    (Note("states_unused", reason="other_form", made_by="a", reranker="a"), "those of another version of a. Renew"),
    (
        Note("states_unused", reason="cannot_use_states", made_by="a", reranker="b"),
        "the stored states are those of a, and b cannot use states",
    ),
    (
        Note("reranker_alone", retriever="my:own", signals=["bm25", "dense"]),
        "fitted for the scores of my:own; to add its scores, give weights of bm25 and dense",
    ),
    (
        Note("reranker_alone", retriever="my:own", signals=[]),
        "the hits of my:own have no signals, so weights cannot add its scores",
    ),
    (Note("setting_ignored", setting="blend", reason="other_reranker"), "it is valid for another reranker"),
]


@pytest.mark.parametrize(("note", "words"), EXAMPLES, ids=lambda value: getattr(value, "code", ""))
def test_words(note, words):
    assert words in describe(note)


def test_an_unknown_code_is_shown_as_it_is():
    assert describe(Note("new_code", count=1)) == "new_code"


ROOMS = ("search", "stores", "collection", "config", "rerankers", "server", "mcp", "indexes")
FILES = ("foreign.py", "several.py")


def test_the_table_and_the_source_have_the_same_codes_and_each_has_words():
    codes = codes_of_notes(*(PACKAGE / name for name in (*ROOMS, *FILES))) - codes_of_table(not_read)
    assert codes == codes_of_table(notes)
    assert codes <= set(WORDS)
