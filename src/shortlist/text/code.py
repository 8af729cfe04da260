"""The functions and classes of source code, as headings: the places to split at, and the titles of passages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

from shortlist.errors import MissingExtra
from shortlist.text.headings import Heading

_EXTENSIONS = {
    "bash": ".sh .bash",
    "c": ".c .h",
    "c_sharp": ".cs",
    "cpp": ".cc .cpp .cxx .hh .hpp .hxx",
    "go": ".go",
    "java": ".java",
    "javascript": ".js .jsx .mjs .cjs",
    "php": ".php",
    "python": ".py .pyi",
    "ruby": ".rb",
    "rust": ".rs",
    "tsx": ".tsx",
    "typescript": ".ts .mts .cts",
}
LANGUAGES: Mapping[str, str] = MappingProxyType(
    {extension: name for name, extensions in _EXTENSIONS.items() for extension in extensions.split()}
)
"""File extension -> language."""

_CONTAINERS = frozenset(
    """
    class_definition class_declaration class interface_declaration enum_declaration record_declaration
    struct_declaration trait_declaration namespace_declaration namespace_definition module impl_item trait_item
    mod_item class_specifier struct_specifier file_scoped_namespace_declaration abstract_class_declaration
    internal_module
    """.split()  # noqa: SIM905 - quotes and commas would hide the names
)
"""Definitions that contain others."""

_DEFINITIONS = _CONTAINERS | frozenset(
    """
    function_definition function_declaration function_item method_definition method_declaration
    constructor_declaration generator_function_declaration method singleton_method struct_item enum_item
    macro_definition type_declaration type_alias_declaration enum_specifier union_specifier lexical_declaration
    """.split()  # noqa: SIM905 - quotes and commas would hide the names
)
_WRAPPERS = frozenset(
    """
    decorated_definition export_statement template_declaration declaration_list class_body block declaration
    body_statement enum_body interface_body field_declaration_list linkage_specification statement_block program
    preproc_if preproc_ifdef preproc_else translation_unit compilation_unit source_file module ambient_declaration
    field_declaration object_type expression_statement
    """.split()  # noqa: SIM905 - quotes and commas would hide the names
)
"""What may be between a definition and those in it."""

_NAMED = (
    "identifier",
    "type_identifier",
    "field_identifier",
    "property_identifier",
    "constant",
    "qualified_identifier",
)
_COMMENTS = ("comment", "line_comment", "block_comment", "attribute_item")
_CLOSERS = re.compile(r"(?:[\s;}]|\bend\b)*")
_LONGEST_NAME = 80
_DEEPEST = 5


class _Definition(NamedTuple):
    """A function or a class: where it starts and ends in bytes, how deep it is, and its name."""

    start: int
    end: int
    depth: int
    name: str


def module_of(language: str) -> str:
    """Return the name of the package with the grammar of a language."""
    return f"tree_sitter_{'typescript' if language == 'tsx' else language}"


def code_headings(text: str, language: str) -> list[Heading]:
    """Return the functions and classes of a text in order, as headings without words of their own.

    The title is the name. The comments and decorators before a definition belong to it. Where code follows the end of
    a definition, a heading without a title ends it. An unknown language gives an empty list.

    Raises:
        MissingExtra: The grammar of the language is not installed.
    """
    if language not in _EXTENSIONS:
        return []
    data = text.encode("utf-8", "replace")
    definitions = list(_definitions(_parser(language).parse(data).root_node))
    places = _characters(data, [place for item in definitions for place in (item.start, item.end)])
    headings: list[Heading] = []
    open_ends: list[_Definition] = []
    for item in definitions:
        headings += _closed(text, open_ends, item.start, places)
        start = places[item.start]
        headings.append(Heading(start, start, item.depth, item.name))
        open_ends.append(item)
    headings += _closed(text, open_ends, len(data), {**places, len(data): len(text)})
    return headings


def _closed(text: str, open_ends: list[_Definition], until: int, places: Mapping[int, int]) -> list[Heading]:
    """Return headings that end the definitions before a place, if there is text between their end and the place."""
    closed: list[Heading] = []
    while open_ends and open_ends[-1].end <= until:
        item = open_ends.pop()
        after = open_ends[-1].end if open_ends and open_ends[-1].end <= until else until
        if not _CLOSERS.fullmatch(text, places[item.end], places[after]):
            closed.append(Heading(places[item.end], places[item.end], item.depth, ""))
    return closed


def _parser(language: str) -> Any:
    try:
        from tree_sitter import Language, Parser

        module = import_module(module_of(language))
    except ImportError as error:
        raise MissingExtra("splitting source code", "files") from error
    names = {"php": "language_php", "tsx": "language_tsx", "typescript": "language_typescript"}
    return Parser(Language(getattr(module, names.get(language, "language"))()))


def _definitions(root: Any) -> Iterator[_Definition]:
    """Yield the definitions in order: those of the file, and those in classes, but none inside functions."""
    waiting: list[tuple[Any, int, int]] = [(root, 1, root.start_byte)]
    while waiting:
        node, depth, start = waiting.pop()
        if node is not root and _is_definition(node):
            yield _Definition(start, node.end_byte, depth, _name(node))
            if node.type not in _CONTAINERS or depth == _DEEPEST:
                continue
            depth += 1
        elif node is not root and node.type not in _WRAPPERS:
            continue
        outer = start if node.type in ("decorated_definition", "export_statement", "template_declaration") else None
        waiting += reversed(
            [(child, depth, _start(child) if outer is None else outer) for child in node.named_children]
        )


def _is_definition(node: Any) -> bool:
    if not node.is_named or node.type not in _DEFINITIONS:
        return False
    if node.type == "lexical_declaration":
        return any(_is_function(child.child_by_field_name("value")) for child in node.named_children)
    if node.type.endswith("_specifier"):
        return node.child_by_field_name("body") is not None
    return not (node.type == "module" and node.parent is None)


def _is_function(node: Any) -> bool:
    return node is not None and node.type in ("arrow_function", "function_expression", "function", "class")


def _start(node: Any) -> int:
    """Return where a definition starts, with the comments on the lines right above it."""
    start, row = node.start_byte, node.start_point[0]
    before = node.prev_sibling
    while before is not None and before.type in _COMMENTS and before.end_point[0] >= row - 1:
        if before.prev_sibling is not None and before.prev_sibling.end_point[0] == before.start_point[0]:
            break  # the comment at the end of a line belongs to this line
        start, row = before.start_byte, before.start_point[0]
        before = before.prev_sibling
    return int(start)


def _name(node: Any) -> str:
    """Return the name of a definition, or the beginning of its first line."""
    place = node.child_by_field_name("type" if node.type == "impl_item" else "name")
    inner = node.child_by_field_name("declarator")
    while place is None and inner is not None:
        place = inner if inner.type in _NAMED else None
        inner = inner.child_by_field_name("declarator")
    if place is None and node.type in ("lexical_declaration", "type_declaration") and node.named_children:
        place = node.named_children[0].child_by_field_name("name")
    text = (place or node).text.decode("utf-8", "replace")
    return " ".join(text.partition("\n")[0].split())[:_LONGEST_NAME]


def _characters(data: bytes, places: list[int]) -> dict[int, int]:
    """Return the place in characters of each place in bytes."""
    out: dict[int, int] = {}
    last, count = 0, 0
    for place in sorted(set(places)):
        count += len(data[last:place].decode("utf-8", "replace"))
        out[place] = count
        last = place
    return out
