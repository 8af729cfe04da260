from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.text import Splitter, headings, is_markdown, marked, plain, snippet
from shortlist.types import Document, Passage

GUIDE = "# Guide\n\nWelcome to the guide.\n\n## Install\n\n{install}\n\n## Use\n\n### Search\n\n{search}\n"


def words(text: str) -> int:
    return len(text.split())


def words_and_marks(text: str) -> int:
    return 2 + len(re.findall(r"\w+|[^\w\s]", text))


def utf8(text: str) -> int:
    return len(text.encode())


def unknown_long_words(text: str) -> int:
    """As WordPiece counts: a word over 20 characters is one unknown token, shorter ones cost more."""
    return sum(1 if len(word) > 20 else 1 + len(word) // 4 for word in text.split())


def split(text: str, limit: int, *, count=words, title: str = "", form: str = "md") -> list[Passage]:
    return Splitter(count, limit).split(Document("d", text, title, {"format": form}))


def check(document: Document, passages: list[Passage], count, limit: int) -> None:
    text = document.text
    covered = bytearray(len(text))
    last = 0
    for number, passage in enumerate(passages):
        assert passage.id == f"{document.id}#{number}"
        assert passage.document_id == document.id
        assert count(passage.content) <= limit
        assert text[passage.start : passage.end] == passage.text
        assert passage.text.strip()
        assert passage.start >= last
        assert passage.metadata == document.metadata
        covered[passage.start : passage.end] = b"x" * (passage.end - passage.start)
        last = passage.end
    assert [c for c, mark in zip(text, covered, strict=True) if not mark and not c.isspace()] == []


LINES = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
        st.sampled_from(
            ["# One", "## Two two", "### Three", "```", "- item", "| a | b |", "---", "===", "", "漢字仮名", "👨‍👩‍👧‍👦"]
        ),
        st.builds("{} {}".format, st.sampled_from(["#", "##", "-", ">", "word " * 9]), st.text("ab c.\t", max_size=80)),
    ),
    max_size=25,
).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(
    text=LINES,
    title=st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    form=st.sampled_from(["md", "txt"]),
    count=st.sampled_from([words, words_and_marks, utf8, unknown_long_words, len]),
    limit=st.integers(10, 60),
)
@example(text="x" * 3000, title="", form="txt", count=unknown_long_words, limit=10)
@example(text="# " + "long " * 300 + "\n\nbody", title="t " * 50, form="md", count=words, limit=12)
@example(text="\n" * 500, title="t", form="md", count=utf8, limit=10)
@example(text="👨‍👩‍👧‍👦" * 60, title="👨‍👩‍👧‍👦", form="md", count=utf8, limit=10)
def test_every_passage_fits_and_no_character_is_lost(text, title, form, count, limit):
    document = Document("d", text, title, {"format": form, "n": 1})
    check(document, Splitter(count, limit).split(document), count, limit)


@pytest.mark.parametrize("form", ["md", "txt"])
@pytest.mark.parametrize(
    "text",
    ["x" * 100_000, "\n" * 100_000, "😀" * 20_000, "漢字仮名" * 10_000, "# a\n" * 5_000, "[" * 20_000, "> " * 20_000],
    ids=["one word", "newlines", "emoji", "cjk", "headings", "brackets", "quotes"],
)
def test_pathological_texts_end_soon(text, form):
    document = Document("d", text, "T" * 500, {"format": form})
    began = time.perf_counter()
    passages = Splitter(words_and_marks, 128).split(document)
    assert time.perf_counter() - began < 20
    check(document, passages, words_and_marks, 128)


def test_a_word_without_end_is_cut_even_if_the_model_counts_it_as_one_token():
    passages = split("x" * 100_000, 100, form="txt")
    assert max(len(passage.text) for passage in passages) <= 100 * 16 + 16


def test_a_short_document_is_one_passage():
    [passage] = split("\n\n  Short text.  \n", 50, title="Title", form="txt")
    assert (passage.id, passage.text, passage.title) == ("d#0", "Short text.", "Title")


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [({}, True), ({"format": "md"}, True), ({"format": "html"}, True), ({"format": "txt"}, False)]
    + [({"format": form}, False) for form in (["md"], 7)],
)
def test_a_format_tells_whether_the_text_is_markdown(metadata, expected):
    assert is_markdown(metadata) is expected
    [passage] = Splitter(words, 50).split(Document("d", "Short text.", metadata=metadata))
    assert passage.metadata == metadata


@pytest.mark.parametrize("text", ["", " \n\t\n "])
def test_whitespace_gives_no_passages(text):
    assert split(text, 50) == []


def test_passages_break_at_headings_and_name_them():
    text = GUIDE.format(install="Run the installer. " * 8, search="Type a query. " * 9)
    passages = split(text, 45, title="Guide")
    assert [(p.title, p.text.split("\n")[0]) for p in passages] == [
        ("Guide", "# Guide"),
        ("Guide > Use", "## Use"),
    ]
    assert "## Install" in passages[0].text


def test_the_title_holds_the_headings_above_once():
    text = "# Guide\n\n## Install\n\n### Linux\n\n" + "Use the package manager. " * 60
    passages = split(text, 60, title="Guide")
    assert passages[-1].title == "Guide > Install > Linux"
    assert "#" not in passages[-1].text


def test_plain_text_has_the_documents_title_only():
    passages = split("# not a heading here\n\n" + "word " * 80, 30, title="notes", form="txt")
    assert {passage.title for passage in passages} == {"notes"}


@pytest.mark.parametrize(
    ("title", "first", "expected"),
    [
        ("git-revert(1)", "# git-revert(1) Manual Page", "git-revert(1) > EXAMPLES"),
        ("Install - Handbook", "# Install", "Install - Handbook > EXAMPLES"),
        ("Handbook: Install", "# INSTALL", "Handbook: Install > EXAMPLES"),
        ("Handbook", "# Install", "Handbook > Install > EXAMPLES"),
        ("C++", "# ++", "C++ > ++ > EXAMPLES"),
        ("", "# Install", "Install > EXAMPLES"),
    ],
)
def test_the_heading_of_the_page_does_not_repeat_the_title(title, first, expected):
    passages = split(f"{first}\n\n## EXAMPLES\n\n" + "Use it like this. " * 60, 60, title=title)
    assert passages[-1].title == expected


def test_a_heading_among_others_of_its_rank_stays_in_the_title():
    text = "# Guide to mail\n\n" + "word " * 60 + "\n\n# Guide to news\n\n" + "word " * 60
    assert {passage.title for passage in split(text, 60, title="Guide")} == {
        "Guide > Guide to mail",
        "Guide > Guide to news",
    }


def test_a_long_title_is_shortened():
    passages = split("word " * 200, 30, title="many words in this title " * 20, form="txt")
    assert all(0 < words(passage.title) <= 5 for passage in passages)


def test_small_sections_are_merged_and_a_heading_does_not_stand_alone():
    small = split("# A\n\nsmall one\n\n# B\n\nsmall two\n", 20)
    assert len(small) == 1
    big = split("# A\n\n## B\n\n" + "word " * 60, 24)
    assert big[0].text.startswith("# A\n\n## B\n\nword word")


def test_passages_are_near_the_limit():
    passages = split(("A sentence of seven words is here. " * 4 + "\n\n") * 40, 100, form="txt")
    assert all(words(passage.text) >= 75 for passage in passages[:-1])


def test_a_counter_that_the_estimate_is_too_low_for_is_obeyed():
    text = "a  b   c\n\n\n\nd " * 200
    document = Document("d", text, "t", {"format": "txt"})
    check(document, Splitter(len, 40).split(document), len, 40)


def test_most_of_the_counting_is_spared():
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return words(text)

    text = "Some words that come again and again in a text. " * 4000
    Splitter(count, 200).split(Document("d", text, "", {"format": "txt"}))
    assert counted < 2 * len(text)


def test_too_small_a_limit_says_the_least():
    with pytest.raises(InvalidInput, match="at least 10"):
        Splitter(words_and_marks, 9)


def test_a_character_over_the_limit_is_an_error():
    with pytest.raises(InvalidInput, match="alone exceeds"):
        Splitter(lambda text: 100 * len(text), 20).split(Document("d", "word"))


@pytest.mark.parametrize(("text", "title"), [("a \ud800", ""), ("a", "\udfff")])
def test_half_a_surrogate_pair_is_an_error(text, title):
    with pytest.raises(InvalidInput, match="surrogate"):
        Splitter(words, 20).split(Document("d", text, title))


def test_headings_of_all_kinds():
    text = (
        "# One #\n\nTwo\n===\n\n```\n# code\n```\n~~~\n## code\n~~~\n   ### Three\n#not\n\n- x\n---\n\nFour\n----\n# \n"
    )
    assert [(h.level, h.title) for h in headings(text)] == [(1, "One"), (1, "Two"), (3, "Three"), (2, "Four")]
    assert [text[h.start : h.end] for h in headings(text)] == ["# One #", "Two\n===", "   ### Three", "Four\n----"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_headings_with_all_kinds_of_line_ends(end):
    text = f"intro{end}{end}# One{end}text{end}{end}Two{end}==={end}"
    assert [(h.title, text[h.start : h.end]) for h in headings(text)] == [("One", "# One"), ("Two", f"Two{end}===")]


@pytest.mark.parametrize(
    "text",
    [
        "a paragraph\nof two lines\n---\n",
        "a word\n-\n",
        "- # in a list\n",
        "> # in a quote\n",
        "    # in code\n",
        "####### seven\n",
    ],
)
def test_lines_that_only_look_like_headings(text):
    assert headings(text) == []


def test_text_that_looks_like_html_hides_no_heading():
    assert [h.title for h in headings("<!-- open\n\n<?php echo\n\n# Shown\n")] == ["Shown"]


def test_no_headings():
    assert headings("") == []
    assert headings("text\n\nmore text") == []


def test_snippet_shows_the_stretch_that_shares_most_words():
    text = (
        "The start of it all. " * 20 + "The capital of France is Paris, on the Seine. " + "And so on to the end. " * 20
    )
    shown = snippet(text, "what is the capital of France?", 60)
    assert "capital of France" in shown
    assert shown.startswith("...")
    assert shown.endswith("...")
    assert len(shown) <= 60


def test_snippet_is_one_line_and_short_text_stays_whole():
    assert snippet("two\n\n  lines", "x") == "two lines"
    assert snippet("", "x") == ""


def test_snippet_without_a_match_is_the_start():
    assert snippet("word " * 100, "nothing", 30).startswith("word word")


def test_snippet_finds_words_in_scripts_without_spaces():
    assert "東京" in snippet("あ" * 300 + "東京タワー" + "い" * 300, "東京", 40)


@given(text=st.text(max_size=400), query=st.text(max_size=40), length=st.integers(10, 200))
def test_snippet_is_never_longer_than_requested(text, query, length):
    shown = snippet(text, query, length)
    assert len(shown) <= length
    assert len(shown.splitlines()) <= 1


MARKDOWN = """# A **bold** ***both*** [![logo](l.png) link](http://x.y/target_(a) "hint") ##

```python
x = a | b  # comment
```
- item *em* and ![picture](target.png)
1. [ref][target] `co_de *x*`

| Name | Age |
|---|:--|
| Ann | 7 |

Name | Age
Bob | 8

> quoted
[target]: http://target
cat x | grep y
Title
=====
"""


def test_plain_text_has_the_words_and_not_the_marks():
    assert plain(MARKDOWN).split("\n") == [
        "A bold both logo link",
        "",
        "x = a | b  # comment",
        "item em and picture",
        "1. ref co_de *x*",
        "",
        " Name Age ",
        " Ann 7 ",
        "",
        "Name Age",
        "Bob 8",
        "",
        "quoted",
        "cat x | grep y",
        "Title",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "def f(*args, **kwargs): return 2 * 3 * 4",
        "call __init__ and snake_case_name",
        "a < b and c > d, #include <stdio.h>",
        "issue #12, C#, 100 % * 2",
        "array[0](x) [not a link]",
        "~/.config and a_b_c",
        "2024. It was a year",
    ],
)
def test_what_is_no_mark_stays(text):
    assert plain(text) == text.replace("[0](x)", "0")


def test_escaped_marks_are_characters():
    assert plain(r"\*not emphasis\* and \_this\_ and \#") == "*not emphasis* and _this_ and #"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.sampled_from("ab *_`~#>-|[]()!\\\n1."), max_size=80))
def test_plain_text_keeps_words_outside_links(text):
    assume(not re.search(r"\]\(|\]\[|\]:|```|~~~", text))
    assert "".join(re.findall("[ab1]", plain(text))) == "".join(re.findall("[ab1]", text))


@pytest.mark.parametrize("unit", ["[", "*a", "`", "|", "> ", "_ a", "[](", "**a ", "- ", "#", "~~a"])
def test_plain_text_of_pathological_texts_ends_soon(unit):
    began = time.perf_counter()
    plain(unit * 30_000)
    assert time.perf_counter() - began < 20


def test_snippet_shows_text_without_marks():
    shown = snippet(MARKDOWN * 9, "bold link", 60)
    assert shown == "A bold both logo link x = a | b # comment item em and..."
    assert snippet("```\n---\n```", "x") == "---"
    assert snippet("---", "x") == "---"


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Undo the last commits.", "how do I undo the last commit?", ["Undo", "last", "commits"]),
        ("the end of the day", "the of", ["the", "of", "the"]),
        ("class and glass", "class", ["class"]),
        ("東京タワー", "東京", ["東", "京"]),
        ("nothing here", "x", []),
        ("", "x", []),
    ],
)
def test_words_of_the_query_are_marked(text, query, expected):
    pieces = marked(text, query)
    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece, mark in pieces if mark] == expected
