"""Passages are cut where meaning ends. Every text here is longer than a passage."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.text import Splitter
from shortlist.text.boundaries import boundaries
from shortlist.text.lines import lines_of
from shortlist.text.packing import packed
from shortlist.text.sentences import sentence_starts
from shortlist.types import Document

FILLER = "Boats leave the harbour at noon. The pilot waves to the crew. "


def tokens(text: str) -> int:
    return len(re.findall(r"\w+|[^\w\s]", text))


def split(text: str, limit: int, form: str = "md") -> list[str]:
    return [passage.text for passage in Splitter(tokens, limit).split(Document("d", text, "", {"format": form}))]


def together(passages: list[str], *parts: str) -> bool:
    return any(all(part in passage for part in parts) for passage in passages)


OPTIONS = {f"--flag-{number}": f"Set the {word} of the output. " for number, word in enumerate(["colour", "size"] * 12)}


@pytest.mark.parametrize("limit", [30, 45, 60, 75, 90])
@pytest.mark.parametrize(
    ("form", "entry"),
    [
        ("md", "**{0}**\n\n{1}\n\n"),
        ("md", "`{0}`\n\n{1}\n\n"),
        ("md", "**{0}**\n: {1}\n\n"),
        ("md", "- `{0}`: {1}\n"),
        ("html", "{0}\n: {1}\n\n"),
        ("html", "{0}\n\n{1}\n\n"),
        ("md", "- **{0}**\n\n  {1}\n\n"),
        ("txt", "  * {0}\n\n    {1}\n\n"),
        ("txt", "Q: What is {0}?\n\nA: {1}\n\n"),
        ("html", "What is {0}?\n\n{1}\n\n"),
        ("txt", "       {0}\n              {1}\n\n"),
        ("txt", "{0}::\n\t{1}\n\n"),
        ("txt", "  {0}      {1}\n"),
        ("txt", "-x, {0}=<value>\n\n    {1}\n\n"),
        ("txt", "MORE FLAGS\n     {0}=VALUE\n\n        {1}\n\n"),
        ("txt", "{0}\n    {1}\n{0}x\n    Other.\n"),
    ],
)
def test_a_term_stays_with_its_definition(form, entry, limit):
    more = ["", FILLER.strip()]
    text = "".join(
        entry.format(flag, meaning + more[place % 2]) for place, (flag, meaning) in enumerate(OPTIONS.items())
    )
    passages = split(text, limit, form)
    assert len(passages) > 4
    for flag, meaning in OPTIONS.items():
        start = meaning.strip()
        assert any(re.search(rf"{flag}\b[^§]{{0,12}}\s+(?:A?: )?{start}", passage) for passage in passages), flag


@pytest.mark.parametrize("limit", [30, 40, 50, 60])
def test_a_heading_stays_with_its_first_paragraph(limit):
    for form, entry in [
        ("md", "## Part {0}\n\nParagraph {0} begins. {1}\n\n"),
        ("txt", "PART {0}\n       Paragraph {0} begins. {1}\n\n"),
        ("txt", "Part {0}\n--------\n\nParagraph {0} begins. {1}\n\n"),
        ("txt", "Part {0}\n\nParagraph {0} begins. {1}\n\n"),
        ("txt", "{0}. Part {0}\n\nParagraph {0} begins. {1}\n\n"),
        ("md", "{0}) Part {0}\n\nParagraph {0} begins. {1}\n\n"),
        ("txt", "3.{0}. Part {0}\n\nParagraph {0} begins. {1}\n\n"),
        ("txt", "7. Chapter\n\n7.{0} Part {0}\n\nParagraph {0} begins. {1}\n\n"),
        ("txt", "{0}. Part {0}\n-----------\n\nParagraph {0} begins. {1}\n\n"),
    ]:
        passages = split("".join(entry.format(n, FILLER * (n % 4 + 1)) for n in range(20)), limit, form)
        for number in range(20):
            name = "PART" if "PART" in entry else "Part"
            assert together(passages, f"{name} {number}\n", f"Paragraph {number} begins."), (entry, number)


@pytest.mark.parametrize("limit", [30, 40, 50, 60, 70])
@pytest.mark.parametrize(
    "labels",
    [
        "- - - - - - -",
        "a. b. c. d. e. f. g.",
        "i. ii. iii. iv. v. vi. vii.",
        "-2. -1. 0. 1. 2. 3. 4.",
        "A) B) C) D) E) F) G)",
        "1998. 1999. 2000. 2001. 2002. 2003. 2004.",
        "2.1 2.2 2.3 2.4 2.5 2.6 2.7",
        "aa. bb. cc. dd. ee. ff. gg.",
    ],
)
def test_the_lead_in_of_a_list_stays_with_its_first_item(labels, limit):
    groups = [
        f"{FILLER * (n % 3 + 1)}Group {n} has these parts:\n\n"
        + "".join(f"{label} part {n}.{m} here\n" for m, label in zip(range(n % 5 + 2), labels.split(), strict=False))
        for n in range(15)
    ]
    text = "\n".join(groups)
    passages = split(text, limit)
    for number in range(15):
        assert together(passages, f"Group {number} has these parts:", f"{labels.split()[0]} part {number}.0 here")
    assert all(re.match(r"Boats|The pilot|Group|\S+ part", passage) for passage in passages)


@pytest.mark.parametrize("limit", [35, 45, 60])
@pytest.mark.parametrize(
    "block",
    ["```sh\nrun {0} --fast\nstop {0}\n```\n\n", "    run {0} --fast\n    stop {0}\n\n"],
    ids=["fence", "indented"],
)
def test_code_stays_with_the_sentence_before_it_and_whole(block, limit):
    text = "".join(f"{FILLER * (n % 3 + 1)}Start engine {n} so:\n\n{block.format(n)}" for n in range(15))
    passages = split(text, limit)
    for number in range(15):
        assert together(passages, f"Start engine {number} so:", f"run {number} --fast", f"stop {number}")


def test_a_block_of_code_is_cut_at_blank_lines_if_it_does_not_fit():
    functions = [f"def f{n}(x):\n    y = x + {n}\n    return y * {n}" for n in range(20)]
    passages = split("Read this:\n\n```python\n" + "\n\n".join(functions) + "\n```\n", 60)
    assert len(passages) > 4
    assert all(together(passages, *function.split("\n")) for function in functions)
    assert passages[0].startswith("Read this:\n\n```python\ndef f0")


@pytest.mark.parametrize("limit", [20, 33, 47])
@pytest.mark.parametrize("form", ["md", "txt"])
def test_no_passage_begins_inside_a_sentence_or_a_code_span(limit, form):
    sentences = [
        f"If `a. B{n} -c` is set, e.g. by Dr. Miles, then v2.{n} of the U.S. chart is used." for n in range(60)
    ]
    wrapped = re.sub(r"(.{40}\S*) ", r"\1\n", " ".join(sentences))
    passages = split(wrapped, max(limit, 40), form)
    assert len(passages) > 10
    flat = [" ".join(passage.split()) for passage in passages]
    assert all(passage.startswith("If `a. B") and passage.endswith("is used.") for passage in flat)


@pytest.mark.parametrize("form", ["md", "html"])
def test_the_first_rows_of_a_long_table_stay_with_the_sentence_before_it(form):
    table = "| a | b |\n|-|-|\n" + "".join(f"| row {n} | value {n} |\n" for n in range(60))
    passages = split(f"{FILLER * 6}\n\nThe table lists all rows:\n\n{table}\n{FILLER * 6}", 60, form)
    assert together(passages, "The table lists all rows:", "| a | b |", "| row 0 |")
    small = "| a | b |\n|-|-|\n| one | two |\n| three | four |\n"
    passages = split("\n".join(f"{FILLER * n}\n\nSee table {n}:\n\n{small}" for n in range(1, 5)), 60, form)
    assert all(together(passages, f"See table {n}:", "| one |", "| four |") for n in range(1, 5))


def test_a_sentence_that_exceeds_the_window_is_cut_at_a_clause_or_a_word():
    passages = split("alpha beta gamma, " * 40 + "`code with words` " * 30 + "delta " * 200, 30, "txt")
    assert all(re.match(r"alpha|`code with words`|delta", passage) for passage in passages)
    assert all(passage.count("`") % 2 == 0 for passage in passages)
    assert {len(word) for passage in passages for word in re.findall(r"\w+", passage)} <= {4, 5}


def test_paragraphs_are_cut_at_their_ends_and_not_in_the_middle():
    paragraphs = [FILLER.strip() + f" Ship {number} is last." for number in range(12)]
    passages = split("\n\n".join(paragraphs), 45)
    assert [part for passage in passages for part in passage.split("\n\n")] == paragraphs


def test_records_are_cut_between_lines():
    log = [f"2024-01-{day:02d} 10:00 disk {day} of rack {day % 7} has failed again" for day in range(1, 29)]
    for passage in split("\n".join(log), 40, "txt"):
        assert all(line in log for line in passage.split("\n"))


def test_a_list_is_cut_between_outer_items_rather_than_inner_ones():
    text = "".join(f"- item {n}\n  - inner {n} a\n  - inner {n} b\n" for n in range(20))
    assert all(passage.startswith("- item") for passage in split(text, 40))


def test_source_code_is_cut_between_outer_blocks():
    blocks = [f"    if state == {n}:\n        state = step({n})\n        log(state)" for n in range(20)]
    text = "def run(state):\n" + "\n".join(blocks) + "\n    return state\n"
    passages = Splitter(tokens, 60).split(Document("d", text, "", {"format": "code", "language": "python"}))
    assert len(passages) > 4
    assert all(re.match(r"def run|if state", passage.text) for passage in passages)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("NAME\n       git - the tool\n", "heading text"),
        ("Title\n=====\nText\n", "heading heading text"),
        ("-a, --all\n    Show all.\n", "term text"),
        ("FLAGS\n     --size=SIZE\n\n        The size.\n", "heading term text"),
        ("word\n: meaning\n", "term definition"),
        ("term::\n\tmeaning\n", "term text"),
        ("1. one\n2) two\n(a) three\n", "item item item"),
        ("a. one\nb. two\n\niv. four\n-1. less\n1000. more\n2.3.1 deep\n", "item item item item item item"),
        ("a. one, which is\nbroken.\nb. two\n", "item text item"),
        ("The tool\na. b is one\ne. g. so\n2024. It was\n\ne. g. two\n", "text text text text text"),
        ("4. Scope\n\nText.\n\n- item\n", "caption text item"),
        ("4. one\n5. two\n\nText.\n", "item item text"),
        ("4. Scope\n========\n\nText.\n", "heading heading text"),
        ("```\n# no\n```\n# yes\n", "fence code fence heading"),
        ("per object\n~~~~~~~~~~\nText.\n", "heading heading text"),
        ("Use::\n\n    code here\n\nText\n", "term code text"),
        (".. code-block:: sh\n\n   ls x\n", "term code"),
        ("a | b\nc | d\n", "row row"),
        ("One | two\n\nThe next paragraph.\n", "caption text"),
        (".. note::\n\n   Text.\n", "term text"),
        ("**bold term**\n\nText.\n", "term text"),
        ("A sentence that ends.\n\nText.\n", "text text"),
        ("Does it end?\n\nText.\n", "caption text"),
        ("`x` is a name\nof a thing\n", "text text"),
    ],
)
def test_kinds_of_lines(text, kinds):
    assert [line.kind for line in lines_of(text)] == kinds.split()


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("One. Two! Three? Four… Five", ["Two", "Three", "Four", "Five"]),
        ("He said “Go.” Then he went.", ["Then"]),
        ("See Fig. 3 and Mr. X. Y is next.", []),
        ("Version 1.2 is out.\nGet it.", ["Get"]),
        ("これは文です。次の文です。", ["次の文です。"]),
        ("Set `x. Y`. Then z.", ["Then"]),
        ("Quote ``a. B'' here. C", ["B", "C"]),
    ],
)
def test_sentences(text, starts):
    found = [text[place:] for place, sure in sentence_starts(text, 0, len(text)) if sure]
    assert [rest.startswith(start) for rest, start in zip(found, starts, strict=True)] == [True] * len(starts)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "# A",
                "word",
                "- item",
                "",
                "```",
                "~~~",
                "    deep",
                "--opt",
                ": def",
                "| a | b |",
                "|-|-|",
                "One. Two",
                "end:",
                "x::",
                "====",
                "+",
                "`a. b",
                "key: value",
                "\tTab",
                "漢字。漢",
            ]
        ),
        max_size=40,
    ).map("\n".join),
    st.integers(2, 20),
    st.sampled_from(["wrapped", "lines", "code"]),
)
def test_pieces_cover_the_text_in_order_and_fit(text, room, layout):
    places = boundaries(text, layout)
    assert [place.place for place in places] == sorted({place.place for place in places})
    pieces = packed(text, places, room, tokens)
    assert "".join(text[start:end] for start, end in pieces) == text
    assert all(tokens(text[start:end]) <= room for start, end in pieces)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["`" * 50_000, "a. " * 50_000, "- a\n" * 20_000, "x\n" * 30_000, "``a''" * 9000])
def test_pathological_texts_have_boundaries_soon(text):
    assert "".join(text[start:end] for start, end in packed(text, boundaries(text), 100, tokens)) == text


def oversized(columns: int, words: int) -> str:
    """A table whose first row does not fit in a passage, with a row that does."""
    names = " | ".join(f"name{number}" for number in range(columns))
    cells = " | ".join(f"cell{number} " + "word " * words for number in range(columns))
    return f"| {names} |\n|{'-|' * columns}\n| {cells} |\n|{' x |' * columns}\n"


@pytest.mark.parametrize("before", ["", "A sentence before it.\n\n", "# Head\n\n"])
@pytest.mark.parametrize("words", [5, 12, 60])
@pytest.mark.parametrize("columns", [2, 3, 5])
def test_no_passage_of_a_table_holds_only_its_header(columns, words, before):
    splitter = Splitter(lambda text: len(text.replace("|", " | ").split()), 60)
    text = before + oversized(columns, words)
    passages = splitter.split(Document("d", text, "", {"format": "md"}))
    assert all("cell" in passage.text or "word" in passage.text or "x" in passage.text for passage in passages)
    assert all("name" in passage.text for passage in passages)
    first = next(passage for passage in passages if "|" in passage.text)
    assert "cell0" in first.text
    assert all(f"name{number}" in first.text for number in range(columns))
    covered = "".join(text[passage.start : passage.end] for passage in passages)
    assert "".join(covered.split()) == "".join(text.split())


@pytest.mark.parametrize("columns", [9, 20, 60])
def test_no_passage_of_a_wide_table_holds_only_dashes(columns):
    splitter = Splitter(lambda text: len(text.replace("|", " | ").split()), 40)
    text = oversized(columns, 2)
    passages = splitter.split(Document("d", text, "", {"format": "md"}))
    assert all(any(map(str.isalnum, text[passage.start : passage.end])) for passage in passages)
    assert all(f"name{number}" in "".join(p.text for p in passages) for number in range(columns))


def test_empty_cells_of_a_large_row_make_no_passage_of_their_own():
    splitter = Splitter(lambda text: len(text.replace("|", " | ").split()), 40)
    text = f"| a | b | c | d |\n|-|-|-|-|\n|  | {'word ' * 50} |  |  |\n| x |  |  | {'term ' * 50} |\n"
    passages = splitter.split(Document("d", text, "", {"format": "md"}))
    assert all(re.search("word|term|x", passage.text) for passage in passages)
    assert sum(passage.text.count("word") for passage in passages) == 50
    assert sum(passage.text.count("term") for passage in passages) == 50
