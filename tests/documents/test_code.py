"""Source code is split at its functions and classes, and passages name them."""

from __future__ import annotations

import pytest

from shortlist.text import Splitter
from shortlist.text.code import LANGUAGES, code_headings

pytest.importorskip("tree_sitter", reason="the extra files is not installed")

PYTHON = '''"""Boats."""
import os


# A boat is small.
@dataclass
class Boat:
    """A boat."""

    length = 3

    def sail(self):
        """Sail away."""
        {body}

    async def row(self):
        def inner():
            pass

    crew = 2


def main():
    {body}


if __name__ == "__main__":
    main()
'''


def words(text: str) -> int:
    return len(text.split())


def test_passages_of_code_name_their_functions_and_classes(load):
    body = "\n        ".join(f"value_{number} = move(self, {number})" for number in range(60))
    [document] = load("boats.py", PYTHON.format(body=body))
    assert (document.title, document.metadata["language"]) == ("boats.py", "python")
    passages = Splitter(words, 90).split(document)
    titles = {passage.title for passage in passages}
    assert "boats.py > Boat > sail" in titles
    assert "boats.py > main" in titles
    first = next(passage for passage in passages if passage.title == "boats.py > main")
    assert first.text.startswith("def main():")
    assert all(len(line.split()) in (0, 4) for line in passages[-2].text.split("\n")[1:-1] if "value_" in line)
    for number in range(60):
        assert sum(f"value_{number} " in passage.text for passage in passages) == 2


def test_a_comment_and_a_decorator_belong_to_the_definition_below():
    headings = code_headings(PYTHON.format(body="pass"), "python")
    text = PYTHON.format(body="pass")
    assert [(heading.level, heading.title) for heading in headings] == [
        (1, "Boat"),
        (2, "sail"),
        (2, "row"),
        (2, ""),
        (1, "main"),
        (1, ""),
    ]
    assert text[headings[0].start :].startswith("# A boat is small.\n@dataclass\nclass Boat")
    assert text[headings[3].start :].lstrip().startswith("crew = 2")


@pytest.mark.parametrize(
    ("extension", "text", "expected"),
    [
        (".ts", "// adds\nexport class Sum { add(a: number) { return a; } }\nconst go = () => 1;\n", "Sum add go"),
        (".tsx", "export function View() { return <b>x</b>; }\ninterface P { x: number }", "View P"),
        (".js", "class A { b() {} }\nfunction c() {}", "A b c"),
        (".go", "package m\ntype P struct { X int }\nfunc (p *P) Move() {}\nfunc main() {}", "P Move main"),
        (".rs", "struct S;\nimpl S { fn a(&self) {} }\nmod m { fn b() {} }", "S S a m b"),
        (".java", "package a;\npublic class C { int f() { return 1; } interface I {} }", "C f I"),
        (".c", "int add(int a) { return a; }\nstruct s { int x; };\nchar *name(void) { return 0; }", "add s name"),
        (".cpp", "namespace n { class C { void f() {} }; int g() { return 0; } }", "n C f g"),
        (".cs", "namespace N { public class C { public int F() { return 1; } } }", "N C F"),
        (".rb", "module M\n  class K\n    def a; 1; end\n    def self.b; 2; end\n  end\nend\n", "M K a b"),
        (".php", "<?php\nclass K { function a() { return 1; } }\nfunction b() {}", "K a b"),
        (".sh", "go() { echo 1; }\ngo\n", "go"),
    ],
)
def test_every_language(extension, text, expected):
    headings = code_headings(text, LANGUAGES[extension])
    assert " ".join(heading.title for heading in headings if heading.title) == expected
    starts = [heading.start for heading in headings]
    assert starts == sorted(starts)


@pytest.mark.parametrize("text", ["", "class", "def f(:\n é漢😀", "\udcff" * 3, "(" * 9000, "class A:\n" * 3000, "\0"])
@pytest.mark.parametrize("language", ["python", "cpp", "javascript", "klingon"])
def test_any_text_gives_places_in_the_text(text, language):
    headings = code_headings(text, language)
    assert all(0 <= heading.start <= len(text) for heading in headings)


def test_offsets_count_characters_not_bytes():
    text = "# 漢字 é 😀\nx = '漢字'\n\ndef f():\n    pass\n"
    [heading] = code_headings(text, "python")
    assert text[heading.start :].startswith("def f():")


def test_code_without_the_packages_is_reported(load, monkeypatch):
    from shortlist.documents import code

    monkeypatch.setattr(code, "find_spec", lambda name: None)
    [skipped] = load("a.py", "x = 1")
    assert skipped.note.code == "missing_extra"
