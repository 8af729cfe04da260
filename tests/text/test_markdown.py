"""Markdown is parsed: what models read, what passages store, and where they are in the file."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.text import Splitter
from shortlist.text.markdown import parse, shown
from shortlist.types import Document

DATA = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUg" * 20


def split(text: str, limit: int = 400, form: str = "md"):
    return Splitter(lambda words: len(words.split()), limit).split(Document("d", text, "", {"format": form}))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("na&iuml;ve &mdash; R&amp;D &#8364;5 &#x20AC;6 &copy;", "na\u00efve \u2014 R&D \u20ac5 \u20ac6 \u00a9"),
        ("AT&T, a && b, &unknown; &x", "AT&T, a && b, &unknown; &x"),
        ("see [the guide](https://x.org/a_(b)/c?d=e 'All of it').", "see the guide (All of it)."),
        ("![Flow chart](img/flow.png) and ![](img/none.png).", "Flow chart and ."),
        ("[![Build](https://x.org/b.svg)](https://x.org/build) passes", "Build passes"),
        (
            '[a][one], [One][], [one], [two] and [^1]\n\n[one]: https://x.org "Title"',
            "a, One, one, [two] and [^1]\n\nTitle",
        ),
        ("[Note]: careful\n\n- [ ] open\n- [x] done", "[Note]: careful\n\n- [ ] open\n- [x] done"),
        ("my\\_long\\_name and 2 \\* 3 in C:\\dir", "my_long_name and 2 * 3 in C:\\dir"),
        ("`a &lt; b` and ``c ` &gt; [d](e)`` but &lt;", "`a &lt; b` and ``c ` &gt; [d](e)`` but <"),
        (
            "10<sup>6</sup> of H<sub>2</sub>O<br>new <b>bold</b> <img src='a.png' alt='Logo'>",
            "10^6 of H2O new bold Logo",
        ),
        ("run it with <file>, <https://x.org>, a < b > c", "run it with <file>, <https://x.org>, a < b > c"),
        ("an array[0](1) and f](x) and (a)[b]", "an array0 and f](x) and (a)[b]"),
        ("`open &amp; [x](y)", "`open & x"),
        ("before<!-- a -->after <!-- [b](c) --> end", "beforeafter  end"),
        ("no end <!-- here &amp; there", "no end <!-- here & there"),
        ("<style>p { a: b }</style>text<script>var x = '<b>';</script>", "text"),
    ],
)
def test_models_read_the_words(written, read):
    [passage] = split(written)
    assert passage.body == read
    assert passage.content == read


@pytest.mark.parametrize(
    "block",
    [
        "```html\n<!-- kept --> &amp; [x](y) \\_\n```",
        "~~~\n&lt; <!-- kept -->\n~~~",
        "    &amp; [x](y) <!-- kept -->",
        "````md\n```\n&amp;\n```\n````",
        "> ```\n> &amp; [x](y)\n> ```",
        "- item\n\n  ```\n  &amp; [x](y)\n  ```",
    ],
)
def test_code_is_read_as_it_is_written(block):
    [passage] = split(f"Some &amp; text.\n\n{block}\n\nThe &amp; end.")
    assert passage.body == f"Some & text.\n\n{block}\n\nThe & end."
    assert passage.text == f"Some &amp; text.\n\n{block}\n\nThe &amp; end."


def test_a_fence_is_whole_if_it_fits():
    fence = "```sh\n" + "\n\n".join(f"# step {number}\nrun {number}" for number in range(9)) + "\n```"
    text = "\n\n".join(["# Guide", "Words before. " * 20, fence, "Words after. " * 20])
    assert sum(fence in passage.text for passage in split(text, 80)) == 1


def test_a_comment_is_no_text_and_gives_no_heading():
    text = "# Pump\n\n<!--\n# Draft\n\n```\nsecret price 42\n```\n-->\n\nChange the seal.\n\n[//]: # (hidden note)\n"
    [passage] = split(text)
    assert passage.text == "# Pump\n\n\n\nChange the seal."
    assert passage.title == "Pump"
    assert "secret" not in passage.body + passage.text
    assert (text[passage.start :][:6], text[: passage.end][-5:]) == ("# Pump", "seal.")


def test_a_file_of_comments_has_no_passage():
    assert split("<!-- a -->\n\n<!-- b\n\nc -->\n") == []


def test_the_places_of_passages_are_those_of_the_file():
    parts = [
        f"## Part {number}\n\n<!-- note {number} -->\nWords of [part](https://x.org/{number}) {number}. "
        for number in range(12)
    ]
    text = "\n\n".join(part + "More words here. " * 5 for part in parts)
    passages = split(text, 30)
    assert len(passages) > 5
    for passage in passages:
        assert shown(text[passage.start : passage.end]).strip() == passage.text
        assert "https" not in passage.body
        assert "https" in passage.text


def test_the_data_of_images_is_left_out():
    text = f"Before.\n\n![The pump]({DATA})\n\n<img src=\"{DATA}\" alt='A valve'>\n\n[logo]: {DATA}\n\nAfter."
    [passage] = split(text)
    assert passage.body == "Before.\n\nThe pump\n\nA valve\n\n\n\nAfter."
    assert len(passage.text) < 200
    assert text[: passage.end].endswith("After.")
    assert len(split(f"![The pump]({DATA}{DATA[22:] * 50})", 20)) == 1


@pytest.mark.parametrize(
    ("written", "left_out", "read"),
    [
        ("![dot](data:image/gif;base64,R0lGODlhAQABAAAAACw=) end", "R0lGODlhAQABAAAAACw=", "dot end"),
        ("![](<data:image/svg+xml,%3Csvg/%3E> 'A dot')", "%3Csvg/%3E", " (A dot)"),
        ("<img alt=dot src='data:image/png;base64,iVBORw0=' width=1>", "iVBORw0=", "dot"),
        ("a [b][c]\n\n[c]: data:text/plain;charset=utf-8;base64,SGVsbG8= (d)", "SGVsbG8=", "a b\n\nd"),
        ("`![x](data:image/gif;base64,R0lGOD==)`", "", "`![x](data:image/gif;base64,R0lGOD==)`"),
        ("The data:, a and data:image/png,b", "", "The data:, a and data:image/png,b"),
    ],
)
def test_the_data_of_small_images_is_left_out_of_targets(written, left_out, read):
    [passage] = split(f"Before. {written}")
    assert (passage.text, passage.body) == (f"Before. {written.replace(left_out, '')}", f"Before. {read}")


def test_titles_are_read_without_targets():
    passages = split(
        "# The [pump](a.md) &amp; its `x&lt;y`\n\nText.\n\n## Seals <!-- todo -->\n\n" + "Words. " * 90, 60
    )
    assert passages[0].title == "The pump & its `x&lt;y`"
    assert passages[-1].title == "The pump & its `x&lt;y` > Seals"


def test_the_text_of_other_formats_stays():
    for form in ("html", "txt", "docx"):
        [passage] = split("use &amp;lt; and [x](y) <!-- a -->", form=form)
        assert (passage.text, passage.read_as) == ("use &amp;lt; and [x](y) <!-- a -->", "")


def test_the_names_of_columns_are_read_in_every_passage():
    rows = "\n".join(f"| [r{number}](x.org/{number}) | caf&eacute; {number} |" for number in range(30))
    passages = split(f"| [Name](a.md) | Place |\n|---|---|\n{rows}", 40)
    assert len(passages) > 3
    assert all(passage.body.startswith("| Name | Place |") for passage in passages)
    assert all("caf\u00e9" in passage.body and "x.org" not in passage.body for passage in passages)


def test_plain_words_have_one_form():
    assert parse("Plain words, *marks* and `code`.\n\n# Heading\n") is None
    [passage] = split("Plain words, *marks* and `code`.")
    assert passage.read_as == ""


PIECES = st.sampled_from(
    [
        *(
            "<!--",
            "-->",
            "[",
            "]",
            "](",
            ")",
            "![",
            "&amp;",
            "&",
            ";",
            "`",
            "``",
            "```\n",
            "~~~\n",
            "\n",
            "\n\n",
            "    ",
        ),
        *(
            "<b>",
            "</b>",
            "<script>",
            "</script>",
            "<img alt=",
            ">",
            "\\",
            "[a]: /b\n",
            "[//]: # (c)\n",
            "# ",
            "- ",
            "> ",
        ),
        *(DATA, "word ", "caf\u00e9 ", '"', "'", "(", "<", "| a |\n", "|-|\n", ";base64,", "\r\n", "\t", "---\n"),
    ]
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(pieces=st.lists(PIECES, max_size=40))
def test_no_word_is_lost_but_comments_and_data(pieces):
    text = "".join(pieces)
    visible = shown(text)
    passages = split(text, 12)
    stored = "".join("".join(passage.text for passage in passages).split())
    for word in visible.split():
        assert word in stored
    for passage in passages:
        assert 0 <= passage.start < passage.end <= len(text)
        assert passage.text.split()[-1][-1] == text[passage.end - 1]
    if "-->" not in text and "</script>" not in text and "[//]" not in text:
        assert visible.count("word") == text.count("word")


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", ["<!--", "[", "](", "`", "` `` ", "&amp;", "<b ", "<script>", "\\", "![a](", "[a]: b\n", "[a][", "(("]
)
def test_long_repetitions_end(unit):
    assert shown(unit * 20_000)
    split((unit * 20_000)[:20_000], 100)
