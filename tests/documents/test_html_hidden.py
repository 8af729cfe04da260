"""Text that a page hides is left out and counted; text that the reader can show is read."""

from __future__ import annotations

import pytest
from test_more_formats import epub

from shortlist.documents import Skipped


def counted(items):
    return [
        item.note.values["count"] for item in items if isinstance(item, Skipped) and item.note.code == "part_left_out"
    ]


@pytest.mark.parametrize(
    ("markup", "text", "count"),
    [
        ("<p>Open daily.<p hidden>Closed.<p>Free entry.", "Open daily.\n\nFree entry.", 1),
        ('<div hidden="hidden"><h2>Old</h2><p>a<p>b</div>New', "New", 1),
        ('<p style="display:none">a</p><p>b</p>', "b", 1),
        ('<p STYLE="color: red; Visibility : HIDDEN !important">a</p>b', "b", 1),
        ('<p style="/* x */display:/**/none">a</p>b', "b", 1),
        ('<p style="content-visibility: hidden">a</p>b', "b", 1),
        ("<p>Save <i class=icon aria-hidden=true>save_alt</i> as</p>", "Save as", 1),
        ("<h2>Use <a aria-hidden='true' href='#use'>#</a></h2>", "## Use", 0),
        ('<div aria-hidden="true" role="dialog"><h2>Cookies</h2><p>Yes?</p></div>Page', "Page", 1),
        ("<dialog>Sure?</dialog><dialog open>Hello</dialog>", "Hello", 1),
        ("<input list=l><datalist id=l><option>Bern</datalist>Town", "Town", 1),
        ('<pre><span aria-hidden="true">$ </span>ls -l</pre>', "```\nls -l\n```", 0),
        ("<img alt=Pump><img alt=Line hidden>", "Pump", 0),
        ("<ul><li hidden>a<ul><li>n</ul><li>b</ul>", "- b", 1),
        ("<dl><dt hidden>a<dd hidden>b<dt>c<dd>d</dl>", "c\n: d", 2),
        (
            "<table><tr><th>a<th hidden>x<th>b<tr><td>1<td hidden>x<td>2<tr hidden><td>7<td>x<td>8"
            "<tr><td>3<td hidden>x<td>4</table>",
            "| a | b |\n|-|-|\n| 1 | 2 |\n| 3 | 4 |",
            4,
        ),
        ("<noscript>Turn on scripts.</noscript><template><p>{{name}}</p></template>Page", "Page", 0),
    ],
)
def test_hidden_text_is_left_out_and_counted(load, markup, text, count):
    document, *notes = load("a.html", markup)
    assert document.text == text
    assert counted(notes) == ([count] if count else [])


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<div role="tabpanel" hidden><p>On Windows</p></div>Setup', "On Windows\n\nSetup"),
        ('<div role="tabpanel" style="display: none">On Windows</div>Setup', "On Windows\n\nSetup"),
        ('<div hidden="until-found">Found</div>', "Found"),
        ("<details><summary>More</summary>Text</details>", "More\n\nText"),
        ('<body style="visibility:hidden"><p>Shown by a script</p>', "Shown by a script"),
        ('<div id="app" style="display:none"><h1>All</h1><p>of it</p></div>', "# All\n\nof it"),
        ('<main aria-hidden="true"><h1>Page</h1><p>behind a dialog</p></main>x', "# Page\n\nbehind a dialog\n\nx"),
        ('<p style="display:none-such">a</p>', "a"),
        ('<p style="background:url(display:none.png)">a</p>', "a"),
        ('<p aria-hidden="false">a</p>', "a"),
        ('<p class="hidden" data-hidden>a</p>', "a"),
    ],
)
def test_what_the_reader_can_see_is_read(load, markup, text):
    [document] = load("a.html", markup)
    assert document.text == text


def test_a_hidden_heading_is_no_title(load):
    document, _ = load("a.html", "<h1 hidden>Menu</h1><h1>Pumps</h1><p>text")
    assert document.title == "Pumps"


def test_the_preview_of_a_mail_is_left_out(load):
    mail = "Subject: Hi\nContent-Type: text/html\n\n<div style='display:none'>Preview</div><p>Body</p>"
    document, note = load("a.eml", mail)
    assert document.text == "Body"
    assert counted([note]) == [1]


def test_books_and_archives_count_it_too(load):
    *_, note = load("a.mhtml", "Content-Type: text/html\n\n<p hidden>x</p><p>Body</p>")[::-1]
    assert counted([note]) == [1]
    note, document = load("a.epub", epub({"a.xhtml": "<h1>A</h1><p hidden='hidden'>x</p><p>Body</p>"}))
    assert (counted([note]), note.place) == ([1], "part 1")
    assert "x" not in document.text
    assert note.reason == "1 hidden element left out"


def test_many_nested_hidden_elements_end(load):
    document, note = load("a.html", "seen" + "<p hidden>x" * 1500)
    assert (document.text, counted([note])) == ("seen", [1500])


REST = "<p>The pump is in the cellar, next to the tank.</p>"
READ = "The pump is in the cellar, next to the tank."


@pytest.mark.parametrize(
    ("style", "markup"),
    [
        (".x{display:none}", "<p class=x>Draft</p>"),
        (".a,.x { color:red; DISPLAY : None !important }", "<p class='note x'>Draft</p>"),
        ("#draft{visibility:hidden}", "<div id=draft><p>Draft</p></div>"),
        ("p.x{display:none}", "<p class=x>Draft</p>"),
        (".x.y{display:none}", "<p class='y x'>Draft</p>"),
        ("/* .x{display:block} */ .x{/* no */display:none}", "<p class=x>Draft</p>"),
        ("<!-- .x{display:none} -->", "<p class=x>Draft</p>"),
        ("@import url(a.css); .x{display:none}", "<p class=x>Draft</p>"),
        (".x{display:none} @media print{.x{display:block}}", "<p class=x>Draft</p>"),
        (".x{color:red} .x{display:none}", "<p class=x>Draft</p>"),
    ],
)
def test_what_a_style_sheet_hides_is_left_out_and_counted(load, style, markup):
    document, *notes = load("a.html", f"<style>{style}</style>{markup}{REST}")
    assert document.text == READ
    assert counted(notes) == [1]


@pytest.mark.parametrize(
    ("style", "markup"),
    [
        (".x{display:none} .x.open{display:block}", "<p class=x>Tab</p>"),
        (".x{display:none} @media (max-width:40em){.x{display:block}}", "<p class=x>Tab</p>"),
        ("@media (max-width:40em){.x{display:none}}", "<p class=x>Tab</p>"),
        ("@media print{.x{display:none}}", "<p class=x>Tab</p>"),
        ("</style><style media=print>.x{display:none}", "<p class=x>Tab</p>"),
        (".x{display:none} input:checked ~ .x{display:inherit}", "<p class=x>Tab</p>"),
        (".x{display:none}", "<p class=x style='display:block'>Tab</p>"),
        (".x{display:none}", "<p class=x role=tabpanel>Tab</p>"),
        (".x{display:none}", "<script>open('x')</script><p class=x>Tab</p>"),
        (".menu .x{display:none}", "<p class=x>Tab</p>"),
        ("p.x{display:none}", "<div class=x>Tab</div>"),
        (".x.y{display:none}", "<p class=x>Tab</p>"),
        (".x{display:none-such}", "<p class=x>Tab</p>"),
        (".x{display:none", "<p class=x>Tab</p>"),
    ],
)
def test_what_a_style_sheet_may_show_is_read(load, style, markup):
    [document] = load("a.html", f"<style>{style}</style>{markup}{REST}")
    assert document.text == f"Tab\n\n{READ}"


def test_a_style_sheet_that_hides_most_of_the_page_is_not_followed(load):
    answers = "".join(f"<h2>Question {n}</h2><p class=a>Answer {n}: as long as it needs to be.</p>" for n in range(3))
    [document] = load("a.html", f"<style>.a{{display:none}}</style>{answers}")
    assert document.text.count("Answer") == 3
