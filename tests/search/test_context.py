"""Hits and the passages around them as one text, within a budget of tokens."""

import pytest

import shortlist
from fakes import ListRetriever, WordReranker
from shortlist import Document, Hit, Passage, SearchConfig
from shortlist.errors import InvalidInput
from shortlist.search.context import ContextOptions, ContextParts, context_of
from shortlist.search.context.cutting import MARK, cut_to_fit
from shortlist.search.context.joining import joined
from shortlist.search.context.reading import LONGEST_SECTION
from shortlist.search.neighbours import MOST
from shortlist.text import Splitter
from shortlist.wording import describe

GUIDE = ["intro", "linux one", "linux two", "linux three", "mac one", "mac two"]
TITLES = ["Guide", "Guide > Linux", "Guide > Linux", "Guide > Linux", "Guide > Mac", "Guide > Mac"]


def passages_of(document, texts, titles=None):
    """Passages as a splitter makes them, with one empty line between two of them."""
    passages, start = [], 0
    for number, text in enumerate(texts):
        title = titles[number] if titles else ""
        passages.append(Passage(f"{document}#{number}", text, document, title, start, start + len(text)))
        start += len(text) + 2
    return passages


STORED = {
    passage.id: passage
    for passage in [
        *passages_of("guide.md", GUIDE, TITLES),
        *passages_of("notes.md", ["first note", "second note"]),
        *passages_of("long.md", [f"part {number}" for number in range(3 * LONGEST_SECTION)]),
    ]
}
ALONE = Passage("own", "a passage of a store", "own")


def get(ids):
    return [STORED[key] for key in ids if key in STORED]


def count(text):
    return len(text.split())


PARTS = ContextParts("stored", get, count)


def hits(*keys, **changes):
    return [
        Hit(STORED[key] if isinstance(key, str) else key, 1 / rank, rank, 1 / rank, rank, **changes)
        for rank, key in enumerate(keys, start=1)
    ]


def made(keys, parts=PARTS, **options):
    return context_of(hits(*keys), ContextOptions(**options), parts)


def ids(context):
    return [[passage.id.removeprefix("guide.md#") for passage in block.passages] for block in context.blocks]


def test_blocks_have_a_number_a_source_a_place_and_a_heading_path():
    context = made(["guide.md#1", "notes.md#0"])
    assert context.text == "[1] guide.md chars 7-16\nGuide > Linux\nlinux one\n\n[2] notes.md chars 0-10\nfirst note"
    first = context.blocks[0]
    assert (first.source, first.place, first.title, first.page) == ("guide.md", "chars 7-16", "Guide > Linux", None)
    assert (first.start, first.end, first.ranks) == (7, 16, {"guide.md#1": 1})
    assert context.tokens == count(context.text)
    assert first.tokens == count(first.shown)


@pytest.mark.parametrize(
    ("title", "text", "above"),
    [
        ("Guide > Linux", "## Linux\n\nRun it.", "Guide\n"),
        ("Guide", "# Guide #\n\nRun it.", ""),
        ("Guide", "Guide\n=====\n\nRun it.", ""),
        ("Guide > Linux", "Run it.", "Guide > Linux\n"),
        ("Guide", "## Guide for Linux\n\nRun it.", "Guide\n"),
        ("", "# Guide\n\nRun it.", ""),
    ],
)
def test_a_heading_that_the_text_begins_with_is_written_once(title, text, above):
    passage = Passage("a.md#0", text, "a.md", title, 0, len(text))
    context = context_of(hits(passage), ContextOptions(budget_tokens=40), PARTS)
    assert context.text == f"[1] a.md chars 0-{len(text)}\n{above}{text}"
    assert (context.blocks[0].title, context.tokens) == (title, count(context.text))


def test_passages_that_touch_are_one_block_and_documents_stand_by_their_best_hit():
    context = made(["notes.md#0", "guide.md#4", "guide.md#1", "guide.md#2"])
    assert [block.source for block in context.blocks] == ["notes.md", "guide.md", "guide.md"]
    assert ids(context)[1:] == [["1", "2"], ["4"]]
    assert context.blocks[1].text == "linux one\n\nlinux two"
    assert context.blocks[1].ranks == {"guide.md#1": 3, "guide.md#2": 4}


@pytest.mark.parametrize(
    ("key", "count", "expected"),
    [
        ("guide.md#0", 1, [["0", "1"]]),
        ("guide.md#5", 2, [["3", "4", "5"]]),
        ("guide.md#2", 20, [["0", "1", "2", "3", "4", "5"]]),
        ("guide.md#2", 0, [["2"]]),
    ],
)
def test_neighbours_end_with_the_document(key, count, expected):
    assert ids(made([key], neighbours=count)) == expected


def test_a_section_has_one_heading_path_and_two_hits_in_it_are_one_block():
    context = made(["guide.md#3", "guide.md#1"], section=True)
    assert ids(context) == [["1", "2", "3"]]
    assert context.blocks[0].ranks == {"guide.md#1": 2, "guide.md#3": 1}
    assert ids(made(["guide.md#0"], section=True)) == [["0"]]


def test_a_section_has_a_limit_that_is_reported():
    middle = int(1.5 * LONGEST_SECTION)
    context = made([f"long.md#{middle}"], section=True)
    assert len(context.blocks[0].passages) == 2 * LONGEST_SECTION + 1
    assert [describe(note) for note in context.notes] == [
        f"the section of 1 hit is not whole: it has more than {LONGEST_SECTION} passages on a side"
    ]
    assert made(["long.md#0"], section=True).notes == context.notes
    near_the_end = made([f"long.md#{3 * LONGEST_SECTION - 1 - LONGEST_SECTION}", "notes.md#0"], section=True)
    assert near_the_end.notes[0].values["count"] == 1


def test_no_hits_give_an_empty_context():
    context = made([], neighbours=2, budget_tokens=5)
    assert (context.text, context.tokens, context.blocks, context.notes) == ("", 0, (), ())
    assert context.to_dict()["blocks"] == []


def test_the_budget_goes_to_hits_first_and_then_to_the_nearest_passages():
    everything = made(["guide.md#2", "notes.md#0"], neighbours=2)
    assert not everything.notes
    hits_alone = made(["guide.md#2", "notes.md#0"])
    assert made(["guide.md#2", "notes.md#0"], neighbours=2, budget_tokens=hits_alone.tokens).text == hits_alone.text
    for budget in range(hits_alone.tokens, everything.tokens + 1):
        context = made(["guide.md#2", "notes.md#0"], neighbours=2, budget_tokens=budget)
        assert context.tokens <= budget
        shown = {passage.id for block in context.blocks for passage in block.passages}
        assert {"guide.md#2", "notes.md#0"} <= shown
        assert len(shown) + context.left_out_neighbours == 7
        assert "guide.md#3" in shown or "guide.md#4" not in shown
    assert context.left_out_neighbours == 0


def test_what_the_budget_cuts_is_counted():
    context = made(["guide.md#1", "notes.md#0", "guide.md#5"], neighbours=1, budget_tokens=9)
    assert ids(context) == [["1"]]
    assert (context.cut, context.left_out_hits, context.left_out_neighbours) == (0, 2, 4)
    assert describe(context.notes[0]) == "budget_tokens is 9: 2 hits left out, 4 passages around hits left out"


LONG = Passage("a.md#0", "One two three. Four five six. Seven eight nine.", "a.md", "", 0, 47)


def test_a_hit_that_does_not_fit_is_cut_where_a_sentence_ends():
    context = made([LONG], budget_tokens=12)
    assert context.blocks[0].text == f"One two three. Four five six.{MARK}"
    assert (context.cut, context.left_out_hits, context.blocks[0].cut, context.tokens) == (1, 0, True, 11)
    assert describe(context.notes[0]) == "budget_tokens is 12: 1 passage cut"
    second = made(["notes.md#0", LONG], budget_tokens=14)
    assert second.blocks[1].text == f"One two three.{MARK}"
    assert made(["notes.md#0", LONG], budget_tokens=10).left_out_hits == 1


def test_the_first_hit_is_cut_between_words_if_no_sentence_fits():
    assert made([LONG], budget_tokens=6).blocks[0].text == f"One{MARK}"
    with pytest.raises(
        InvalidInput, match="budget_tokens is 4: too few for the best hit, whose source and heading path alone need 5"
    ):
        made([LONG], budget_tokens=4)


def test_nothing_is_joined_to_a_passage_that_is_cut():
    passages = passages_of("b.md", ["One two. Three four five six seven eight nine.", "next"])
    parts = ContextParts("b", lambda keys: [passage for passage in passages if passage.id in keys], count)
    context = context_of(hits(passages[1], passages[0]), ContextOptions(budget_tokens=13), parts)
    assert [block.text for block in context.blocks] == [f"One two.{MARK}", "next"]


def test_passages_that_are_folded_into_a_hit_are_not_repeated():
    first, *_ = hits("guide.md#2", duplicates=("guide.md#3",))
    context = context_of([first], ContextOptions(neighbours=2), PARTS)
    assert ids(context) == [["0", "1", "2"], ["4"]]
    assert context.folded == 1
    assert (
        describe(context.notes[0]) == "1 duplicate around hits left out of the context: a hit in it has the same text"
    )


def test_neighbours_continue_on_the_next_page():
    pages = {
        f"r.pdf#page={page}#{number}": Passage(
            f"r.pdf#page={page}#{number}",
            f"page {page} part {number}",
            f"r.pdf#page={page}",
            metadata={"page": page, "source": "r.pdf"},
        )
        for page, parts in ((1, 3), (2, 1), (3, 2))
        for number in range(parts)
    }
    parts = ContextParts("pages", lambda keys: [pages[key] for key in keys if key in pages], count)
    hit = hits(pages["r.pdf#page=2#0"])
    context = context_of(hit, ContextOptions(neighbours=2), parts)
    assert [block.place for block in context.blocks] == ["page 1", "page 2", "page 3"]
    assert context.blocks[0].text == "page 1 part 1\npage 1 part 2"
    assert context.blocks[2].page == 3
    assert context.text.startswith("[1] r.pdf page 1\n")
    alone = context_of(hit, ContextOptions(section=True), parts)
    assert [block.place for block in alone.blocks] == ["page 2"]


def test_overlaps_are_written_once():
    text = "alpha beta gamma delta epsilon zeta eta theta iota kappa"
    placed = [
        Passage("x", text[:30], "d", "", 0, 30),
        Passage("y", text[18:45], "d", "", 18, 45),
        Passage("z", text[45:], "d", "", 45, len(text)),
    ]
    assert joined(placed) == text
    context = context_of(hits(placed[2], placed[0], placed[1]), ContextOptions(), PARTS)
    assert [block.text for block in context.blocks] == [text]
    unplaced = [Passage("d#0", text[:40], "d"), Passage("d#1", text[12:], "d")]
    assert joined(unplaced) == text
    assert joined([Passage("d#0", "a b", "d"), Passage("d#1", "b c", "d")]) == "a b\nb c"
    assert joined([unplaced[0], Passage("d#1", text[:40], "d")]) == text[:40]


@pytest.mark.parametrize("format", ["md", "txt"])
def test_the_passages_of_a_document_give_its_text_again(format):
    rows = "\n".join(f"| row {number} | value {number} &amp; [more](http://x/{number}) |" for number in range(40))
    table = f"| name | value |\n|---|---|\n{rows}"
    prose = " ".join(f"Sentence {number} says little." for number in range(60))
    text = f"# Top\n\n{prose}\n\n{table}\n\n## Below\n\n{prose}"
    passages = Splitter(count, 40).split(Document("d", text, metadata={"format": format}))
    assert len(passages) > 10
    result = joined(passages)
    assert result.count("| name | value |") == 1
    wanted = text.replace("&amp;", "&") if format == "md" else text
    for number in range(40):
        wanted = wanted.replace(f"[more](http://x/{number})", "more") if format == "md" else wanted
    assert result.split() == wanted.split()
    assert result.splitlines() == wanted.splitlines()


def test_a_table_whose_comments_are_no_text_has_one_head():
    rows = "\n".join(f"| a{number} | b{number} |" + (" <!-- hidden -->" if number % 2 else "") for number in range(60))
    text = f"| one | two |\n|---|---|\n{rows}\n"
    passages = Splitter(count, 40).split(Document("d", text, metadata={"format": "md"}))
    assert len(passages) > 3
    assert joined(passages).count("| one | two |") == 1


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("One. Two. Three.", 3, f"One. Two.{MARK}"),
        ("One. Two. Three.", 2, f"One.{MARK}"),
        ("a b\nc d\ne", 4, f"a b{MARK}"),
        ("a b c d", 3, f"a b{MARK}"),
        ("# Top\n\nword word word word", 6, f"# Top\n\nword word word{MARK}"),
        ("abc", 2, f"ab{MARK}"),
        ("", 5, None),
    ],
)
def test_a_text_is_cut_at_the_best_place(text, most, expected):
    assert cut_to_fit(text, lambda shorter: count(shorter) <= most, anywhere=True) == expected


def test_only_sentences_end_a_text_unless_it_may_be_cut_anywhere():
    assert cut_to_fit("a b c d", lambda shorter: count(shorter) <= 3) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neighbours": MOST + 1}, "neighbours is 21: use 0 to 20"),
        ({"neighbours": -1}, "neighbours is -1"),
        ({"neighbours": True}, "neighbours is True"),
        ({"budget_tokens": 0}, "budget_tokens must be a whole number of at least 1, not 0"),
        ({"budget_tokens": 2.5}, "not 2.5"),
        ({"budget_tokens": 10**12}, "budget_tokens is 1000000000000: use at most 10,000,000"),
        ({"section": "yes"}, "section must be true or false, not 'yes'"),
        ({"section": True, "neighbours": 1}, "give one of the two"),
    ],
)
def test_options_that_cannot_be_used_are_errors(options, message):
    with pytest.raises(InvalidInput, match=message):
        ContextOptions(**options)


def test_a_store_has_no_passages_around_a_hit():
    for options in ({"neighbours": 1}, {"section": True}):
        with pytest.raises(InvalidInput, match="chroma does not know which passages are around a hit: leave out"):
            made([ALONE], ContextParts("chroma", None, count), **options)
    assert made([ALONE], ContextParts("chroma", None, count)).text == "[1] own\na passage of a store"
    with pytest.raises(InvalidInput, match="cannot count tokens: leave out budget_tokens"):
        made([ALONE], ContextParts("chroma"), budget_tokens=9)
    assert made([ALONE], ContextParts("chroma")).tokens is None


def test_a_list_of_something_else_is_an_error():
    with pytest.raises(InvalidInput, match="needs the hits of a search, and 'text' is none"):
        context_of(["text"], ContextOptions(), PARTS)
    for value in (None, *hits("guide.md#1")):
        with pytest.raises(InvalidInput, match="is no list of hits: give a ranking"):
            context_of(value, ContextOptions(), PARTS)
    assert context_of(iter(hits("guide.md#1")), ContextOptions(), PARTS).blocks[0].text == "linux one"


class CountingReranker(WordReranker):
    def count_tokens(self, text):
        return len(text.split())


def test_a_search_over_a_retriever_of_ones_own():
    search = shortlist.Search(ListRetriever(["tax is due", "cats sleep. they sleep all day"]), CountingReranker())
    context = search.context(search.search("cats sleep", top_k=1), budget_tokens=5)
    assert (context.text, context.tokens) == (f"[1] p2\ncats sleep.{MARK}", 5)
    with pytest.raises(InvalidInput, match="this retriever does not know which passages are around a hit"):
        search.context([], neighbours=1)
    plain = shortlist.Search(ListRetriever(["a"]), WordReranker())
    with pytest.raises(InvalidInput, match="this retriever cannot count tokens"):
        plain.context(plain.search("a"), budget_tokens=5)


def test_an_index_counts_the_tokens_of_its_models_and_filters_apply_to_hits_alone(tmp_path):
    config = SearchConfig(bi_encoder="hashed-64")
    text = "\n\n".join(f"## Part {number}\n\n" + f"Word{number} runs. " * 60 for number in range(4))
    with shortlist.open(tmp_path / "ix", create=True, config=config, reranker=WordReranker()) as index:
        index.add({"id": "d", "text": text, "metadata": {"format": "md", "year": 2024}})
        ranking = index.search("word2", where="year=2024", top_k=1)
        assert ranking[0].title == "Part 2"
        context = index.context(ranking, neighbours=3)
        parts = [f"Part {number}" for number in (1, 2, 3)]
        assert [part for part in parts if f"## {part}\n" in context.text] == parts
        assert context.tokens == index.splitter.count_tokens(context.text)
        small = index.context(ranking, section=True, budget_tokens=40)
        assert small.tokens <= 40
        assert small.text.endswith(f"runs.{MARK}")
        assert index.context(index.search("word2", where="year=1900"), neighbours=2).blocks == ()
        assert repr(context) == f"<Context blocks=1 tokens={context.tokens} notes=[]>"
