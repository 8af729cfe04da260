from __future__ import annotations

import json

import pytest


def test_front_matter_becomes_title_and_metadata(load):
    text = '---\ntitle: "A: title"\ntags:\n  - one\n  - two\ndraft: true\nsource: wiki\n---\n# Heading\n\nBody\n'
    [document] = load("a.md", text)
    assert document.title == "A: title"
    assert document.text == "# Heading\n\nBody\n"
    fields = {key: document.metadata[key] for key in ("tags", "draft", "given_source")}
    assert fields == {"tags": ["one", "two"], "draft": "true", "given_source": "wiki"}


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("[money, returns]", ["money", "returns"]),
        ("""["a, b", 'c', it's]""", ["a, b", "c", "it's"]),
        ("[money,\n  returns]", ["money", "returns"]),
        ("\n- one\n- 'two words'", ["one", "two words"]),
        ("[]", []),
        ('"[money]"', "[money]"),
        ("[[a], b]", '[["a"], "b"]'),
        ("\n  - name: Ann\n  - name: Bo", '[{"name": "Ann"}, {"name": "Bo"}]'),
    ],
)
def test_lists_in_front_matter_are_lists_and_what_is_nested_is_json(load, written, values):
    [document] = load("a.md", f"---\ntags: {written}\nyear: 2024\n---\nBody\n")
    assert (document.metadata["tags"], document.metadata["year"], document.text) == (values, "2024", "Body\n")


@pytest.mark.parametrize(
    ("written", "name", "values"),
    [
        ("draft: false  # not yet", "draft", "false"),
        ("year: 2024 # inline", "year", "2024"),
        ("version: 1.10", "version", "1.10"),
        ("country: NO", "country", "NO"),
        ("day: 2024-01-05", "day", "2024-01-05"),
        ("a: 1\nkey.dot: 2", "key.dot", "2"),
        ('a: 1\n"quoted key": 2', "quoted key", "2"),
        ("a: 1\nüml: 2", "üml", "2"),
        ("desc: >\n  folded\n  text", "desc", "folded text"),
        ("lit: |\n  a\n  b", "lit", "a\nb"),
        ("said: 'it''s'", "said", "it's"),
        ("# for the theme\n\nlayout: home", "layout", "home"),
        ("at: {city: Rome}", "at.city", "Rome"),
    ],
)
def test_front_matter_is_read_as_yaml_with_values_as_they_are_written(load, written, name, values):
    [document] = load("a.md", f"---\n{written}\nempty:\n---\nBody\n")
    assert (document.metadata[name], document.text) == (values, "Body\n")
    assert "empty" not in document.metadata


def test_front_matter_may_be_an_object_of_json(load):
    front = '{\n  "title": "Pumps",\n  "tags": ["a", "b"],\n  "year": 2024\n}\n'
    [document] = load("a.md", f"{front}\n# Head\n\nBody\n")
    assert (document.title, document.text) == ("Pumps", "\n# Head\n\nBody\n")
    assert (document.metadata["tags"], document.metadata["year"]) == (["a", "b"], 2024)
    assert document.metadata["text_start"] == len(front)


def test_front_matter_may_be_lines_with_percent_signs(load):
    [document] = load("a.md", "% Pumps\n% Ann and Bo\n% 2024-05-01\n\nBody\n")
    assert (document.title, document.text) == ("Pumps", "\nBody\n")
    assert (document.metadata["author"], document.metadata["date"]) == ("Ann and Bo", "2024-05-01")


@pytest.mark.parametrize("text", ["{\nnot JSON\n}\nBody\n", "% of all pumps\nleak.\n", "50 % x\n"])
def test_text_that_begins_like_other_front_matter_is_text(load, text):
    [document] = load("a.md", text)
    assert (document.text, set(document.metadata)) == (text, {"source", "format"})


@pytest.mark.parametrize(
    ("front", "text", "start"),
    [
        ("---\ntitle: Setup\ndescription: How to install.\n---\n", "How to install.", 30),
        ("---\ntitle: Setup\nsummary: ''\nabstract: Steps.\n---\n\n<!-- to do -->\n", "Steps.", 39),
        ('+++\ntitle = "Setup"\nsummary = "Two steps"\n+++\n', "Two steps", 31),
        ("---\ntitle: Setup\ndescription: >\n  Two\n  lines\n---\n", "Two lines", None),
    ],
)
def test_a_description_is_the_text_of_a_file_without_other_text(load, front, text, start):
    [document] = load("a.md", front)
    assert (document.text, document.title, document.metadata.get("text_start")) == (text, "Setup", start)
    [document] = load("b.md", f"{front}\nBody.\n")
    assert "Body." in document.text
    assert text not in document.text


@pytest.mark.parametrize("front", ["---\ntitle: Setup\n---\n", "---\ntitle: Setup\ndescription: [a, b]\n---\n"])
def test_a_file_with_a_title_alone_is_reported_as_empty(load, front):
    [skipped] = load("a.md", front)
    assert skipped.note.code == "empty"


def test_a_file_of_comments_is_empty(load):
    [skipped] = load("a.md", "---\ntitle: T\n---\n<!-- nothing\n\nhere -->\n")
    assert skipped.note.code == "empty"


def test_front_matter_may_be_toml(load):
    front = '+++\ntitle = "T"\nn = 2\ndraft = false\ntags = ["a"]\nday = 2024-01-05\n[at]\ntime = 10:30:00\n+++\n'
    [document] = load("a.md", f"{front}Body\n")
    assert (document.title, document.text) == ("T", "Body\n")
    values = {key: document.metadata[key] for key in ("n", "draft", "tags", "day", "at.time", "text_start")}
    assert values == {
        "n": 2,
        "draft": False,
        "tags": ["a"],
        "day": "2024-01-05",
        "at.time": "10:30:00",
        "text_start": len(front),
    }


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nJust text.\n\n---\n\nMore.\n",
        "---\n\n# Slide one\n\nNote: speakers first\n\n---\n\n# Slide two\n",
        "---\nJust text.\n---\nBody\n",
        "---\n- a\n- b\n---\nBody\n",
    ],
)
def test_other_text_between_marks_is_text(load, text):
    [document] = load("a.md", text)
    assert document.text == text
    assert set(document.metadata) == {"source", "format"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("---\ntitle: A: b\n---\nBody\n", "mapping values are not allowed here (line 2)"),
        ("---\nok: 1\ntags: [a] and b\n---\nBody\n", "(line 3)"),
        ("---\nImportant: read this.\nIt spans lines.\n\n---\n\nRest.\n", "(line 5)"),
        ("---\na: &a [x]\nb: [*a, *a]\n---\nBody\n", "it has aliases (*name), which are not read"),
        ('---\na: "\\U00110000"\n---\nBody\n', ""),
        ("---\na: \x01\n---\nBody\n", "special characters are not allowed"),
        ("---\na: " + "[" * 1500 + "\n---\nBody\n", "it is nested too deeply"),
        ("---\n? [a]\n: b\n---\nBody\n", "(line 2)"),
    ],
)
def test_front_matter_that_is_not_yaml_stays_in_the_text_and_is_reported(load, text, error):
    skipped, document = load("a.md", text)
    assert document.text == text
    assert set(document.metadata) == {"source", "format"}
    assert (skipped.place, skipped.note.code, skipped.note.values["format"]) == (
        "the front matter",
        "bad_front_matter",
        "YAML",
    )
    assert error in skipped.note.values["error"]
    assert skipped.reason.startswith("not readable as YAML, so the front matter stays in the text: ")


def test_front_matter_that_is_not_toml_is_reported_with_its_line(load):
    skipped, document = load("a.md", "+++\nJust text.\n+++\nBody\n")
    assert document.text == "+++\nJust text.\n+++\nBody\n"
    assert skipped.note.values["format"] == "TOML"
    assert "at line 2" in skipped.note.values["error"]


def test_a_title_in_front_matter_holds_no_nul(load):
    assert load("a.md", '---\ntitle: "a\\0b"\n---\nBody\n')[0].title == "a\ufffdb"


@pytest.mark.parametrize(
    "front",
    [
        '{"title": "Pumps", "year": 2024}\n',
        '{"title": "Pumps",\n "year": 2024}\n',
        '{ "title":"Pumps","year":2024 }  \n',
    ],
)
def test_an_object_of_json_may_be_on_one_line(load, front):
    [document] = load("a.md", f"{front}\n# Head\n\nBody\n")
    assert (document.title, document.text) == ("Pumps", "\n# Head\n\nBody\n")
    assert (document.metadata["year"], document.metadata["text_start"]) == (2024, len(front))


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "Pumps"}\n',
        '{"a": 1}\n{"a": 2}\n',
        '{"title": "Pumps"} is an example.\n\nBody\n',
        '{"title": "Pumps",}\n\nBody\n',
        '["title"]\n\nBody\n',
        '{"a": ' * 9000 + "\n\nBody\n",
    ],
)
def test_objects_that_are_no_front_matter_are_text(load, text):
    [document] = load("a.md", text)
    assert document.text == text
    assert set(document.metadata) == {"source", "format"}


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("---\ntitle: 2024\n---\n", "2024"),
        ("+++\ntitle = 2024\n+++\n", "2024"),
        ('{"title": 2024.5}\n', "2024.5"),
        ("+++\ntitle = true\n+++\n", "true"),
        ("+++\ntitle = 2024-05-01\n+++\n", "2024-05-01"),
        ("---\ntitle:\n  - Only one\n---\n", "Only one"),
        ("---\nTitle: Capital\n---\n", "Capital"),
        ("---\ntitle: Salt &amp; Pepper &#8211; R&amp;D\n---\n", "Salt & Pepper \u2013 R&D"),
        ('{"title": "Caf&eacute; &lt;new&gt;"}\n', "Caf\u00e9 <new>"),
        ("% AT&amp;T &unknown; R&D\n", "AT&T &unknown; R&D"),
    ],
)
def test_titles_that_are_no_plain_text(load, front, title):
    [document] = load("a.md", f"{front}\n# Head\n\nBody\n")
    assert document.title == title
    assert not {"title", "given_title"} & set(document.metadata)


@pytest.mark.parametrize(
    "front", ["---\ntitle: null\n---\n", "---\ntitle: ~\n---\n", '{"title": null}\n', "---\ntitle: []\n---\n"]
)
def test_no_title_gives_the_first_heading(load, front):
    [document] = load("a.md", f"{front}\n# Head\n\nBody\n")
    assert document.title == "Head"


@pytest.mark.parametrize(
    ("front", "stored", "kind"),
    [
        ("---\ntitle: [Pumps, Valves]\n---\n", ["Pumps", "Valves"], "a list"),
        ('{"title": {"en": "Pumps", "de": "Pumpen"}}\n', None, "an object"),
    ],
)
def test_a_title_that_is_no_text_is_reported_and_kept(load, front, stored, kind):
    skipped, document = load("a.md", f"{front}\n# Head\n\nBody\n")
    assert (skipped.place, skipped.note.code, skipped.note.values["kind"]) == ("the front matter", "bad_title", kind)
    assert f"the title is {kind}" in skipped.reason
    assert document.title == "Head"
    if stored:
        assert document.metadata["given_title"] == stored
    else:
        assert (document.metadata["given_title.en"], document.metadata["given_title.de"]) == ("Pumps", "Pumpen")


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("---\ntitle: Pumps: a guide\nyear: 2024\n---\n", "Pumps: a guide"),
        ("---\nyear: 2024\ntitle: 'Pumps' and \"valves\"\n---\n", "'Pumps' and \"valves\""),
        ('---\ntitle: "Pumps"\ntags: [a] and b\n---\n', "Pumps"),
        ("---\ntitle: Salt &amp; pepper: both\n---\n", "Salt & pepper: both"),
        ('+++\ntitle = "Pumps"\nyear = \n+++\n', "Pumps"),
        ("---\ntags: [a] and b\n---\n", "Head"),
        ("---\ntitle: [a] and b\n---\n", "Head"),
    ],
)
def test_the_title_of_broken_front_matter_is_read(load, front, title):
    skipped, document = load("a.md", f"{front}\n\n# Head\n\nBody\n")
    assert skipped.note.code == "bad_front_matter"
    assert document.title == title
    assert document.text.startswith(front)


def test_a_notebook_has_the_words_of_its_heading_as_its_title(load):
    cell = {"cell_type": "markdown", "source": ["<!-- draft -->\n", "# Salt &amp; [pepper](https://example.org/x)\n"]}
    [document] = load("a.ipynb", json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}))
    assert document.title == "Salt & pepper"


def test_a_title_that_names_nothing_stays_in_the_metadata(load):
    [document] = load("a.md", "---\ntitle: 42\n---\n# Head\n\nBody\n")
    assert (document.title, document.metadata["given_title"]) == ("Head", "42")


@pytest.mark.parametrize("front", ["{}", "{ }", "{\n}", "---\n---", "---\n{}\n---", "+++\n+++", "+++\n# none\n+++"])
def test_empty_front_matter_is_no_text(load, front):
    [document] = load("a.md", f"{front}\n\n# Pumps\n\nText.")
    assert (document.title, document.text.strip()) == ("Pumps", "# Pumps\n\nText.")
    assert document.metadata["text_start"] == len(front) + 1


@pytest.mark.parametrize("text", ["{}", "{} is an empty object.", "{}\n{}\n", "{}\n\n"])
def test_an_empty_object_that_is_no_front_matter_is_text(load, text):
    [document] = load("a.md", text)
    assert document.text == text
