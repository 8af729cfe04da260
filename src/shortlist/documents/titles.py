"""Titles of files that say nothing about the file: names that a program or a template writes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shortlist.documents.source import Source

_NAMES = frozenset(
    line.strip()
    for line in """
    anonymous / (anonymous) / unspecified / (unspecified) / unknown / n/a / no title / no name / notitle
    untitled / (untitled) / untitled document / untitled page / untitled presentation / untitled slide
    no document title
    document / my document / new document / word document / microsoft word document / pdf document / pdf
    blank page / new page / page title / title here / insert title here / your title here / my title
    loading / loading... / loading… / home / home page / homepage / index / welcome / undefined / unnamed / title
    test / doc / book / workbook / worksheet / sheet / presentation / layout / page / print / image / file / scan
    scanned image / mappe / präsentation / seite / classeur / présentation / libro / presentación / página / startseite
    accueil / inicio
    enter title here / document title / type the document title / website title / site title / default title / default
    template / html template / html5 template / bootstrap template / my website / my site / my page / web page
    powerpoint presentation / powerpoint-präsentation / présentation powerpoint / presentación de powerpoint
    slide 1 / scanned document
    react app / vite app / vite + react / vite + react + ts / vite + vue / vite + vue + ts / create next app / vue app
    angular app / svelte app / sveltekit app / nuxt app / welcome to nginx! / apache2 ubuntu default page: it works
    unbenannt / ohne titel / ohne namen / unbenanntes dokument / dokument / neues dokument / sans titre / sans nom
    document sans titre / document sans nom / nouveau document / sin título / sin titulo / documento sin título
    documento / documento senza titolo / senza titolo / senza nome / sem título / documento sem título / zonder titel
    naamloos / naamloos document / bez názvu / bez tytułu / namnlös / uden titel / uten navn / nimetön
    без имени / без названия / документ / 無題 / 無題のドキュメント / 名称未設定
    无标题 / 无标题文档 / 未命名 / 無標題文件 / 제목 없음
    """.replace("\n", " / ").split(" / ")
    if line.strip()
)
"""Titles that programs and templates write, in small letters."""

_SHORTEST_NUMBER = 4
_NUMBER = re.compile(r"[\s_-]*\(?\d{1,4}\)?$")
_PROGRAM = re.compile(
    r"microsoft\s+(?:office\s+)?(?:word|powerpoint|excel|publisher|visio)\s*-|full page photo$|"
    r"(?:scan|scanned|img|image|dsc|fax)[\W_]*\d[\d\W_]*$|untitled\b.*\.\w{2,5}$"
)
_FILE = re.compile(
    r"(?:file:|[a-z]:\\|\\\\|/)?[^\s].{0,250}\.(?:docx?|dot[xm]?|rtf|odt|ott|wpd|pages|pub|xlsx?|pptx?|potx?|odp|indd|qxd|qxp|"
    r"fm|book|p65|pmd|pdf|ps|eps|dvi|tex|ltx|lyx|cdr|vsdx?|tmp|tiff?|jpe?g|png|gif|bmp|svg|mdi|prn|wps|hwpx?|fodt|odg|sxw|"
    r"epub|ipynb)"
    r"|\S{1,250}\.(?:[sx]?html?|mht(?:ml)?|php\d?|aspx?|jspx?|cfm)"
)
"""The name of a file. Words before the name of a page are a title: "How to edit index.html"."""

_VARIABLE = re.compile(
    r"\{\{.*\}\}|\{%.*%\}|<%.*%>|\$\{.*\}|\$\w+\$|%{1,2}\w+%{1,2}|@@?\w+@@?|\[(?:[\w ]*title|insert [\w ]+)\]"
)


def is_placeholder(title: str) -> bool:
    """Return whether a title is none of the author's: empty, "Untitled 2", "Microsoft Word - a.doc", "{{ title }}"."""
    name = " ".join(title.split()).casefold()
    return _is_empty(name) or bool(_PROGRAM.match(name) or _FILE.fullmatch(name) or _VARIABLE.fullmatch(name))


def _is_empty(name: str) -> bool:
    """Return whether a title in small letters is a name of `_NAMES`, perhaps with a number, or has no letters."""
    if not any(map(str.isalpha, name)):
        return sum(map(str.isdigit, name)) < _SHORTEST_NUMBER
    return name in _NAMES or _NUMBER.sub("", name).strip(" .:-_\"'<>[]") in _NAMES


def best_title(source: Source, own: str, headings: Iterable[str] = ()) -> str:
    """Return the title of a file: its `own` one, the first of its headings that names something, or the file's name.

    Its own title is left out if it is a placeholder, or the common title of the files of its folder.
    """
    if own and own != source.common_title and not is_placeholder(own):
        return own
    named = (heading for heading in headings if heading != source.common_title and not _is_empty(heading.casefold()))
    return next(named, source.path.stem)
