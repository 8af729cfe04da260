"""The FTS5 table that has the words of a table, and the check that its rows are those of the table."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shortlist.errors import InvalidInput

TABLES = ("{}_fts", "fts_{}", "{}fts", "{}_search")
"""The usual names of the FTS5 table of a table."""
ENDS = 10
"""The rows at each end of the FTS5 table that are compared: in a copy of a table, only later rows have other rowids."""
WORDS = 5
"""The words of a column that are looked for, the longest ones."""
WORD = re.compile(r"[^\W_]{3,}")
SHARE_OF_WORDS, SHARE_OF_ROWS = 0.5, 0.75
"""The words of a row, and the rows, that must be there. An index of changed texts, such as stems, has some of them."""


@dataclass(frozen=True, slots=True)
class WordTable:
    """An FTS5 table. `key` is the column of the table whose value is the rowid of the words."""

    name: str
    key: str = "rowid"


def quoted(name: str) -> str:
    """Return the name of a table or column in SQL."""
    return '"' + name.replace('"', '""') + '"'


def module_of(sql: str) -> str:
    """Return the module of a virtual table, in lower case; "" for any other table."""
    match = re.match(r"\s*create\s+virtual\s+table\b.*?\busing\s+(\w+)", sql, re.IGNORECASE | re.DOTALL)
    return match[1].lower() if match else ""


def check_has_texts(store: str, table: str, tables: Mapping[str, str]) -> None:
    """Check that a table is no contentless FTS5 table, which has words and no texts.

    Raises:
        InvalidInput: The table is such a table.
    """
    if module_of(tables[table]) != "fts5" or _option("content", tables[table]) != "":
        return
    owner = next((name for name in tables for pattern in TABLES if pattern.format(name) == table), "TABLE")
    raise InvalidInput(
        f"{store}: the full-text table {table!r} was made with content='', so it has no texts. Name the table with "
        f"the texts, such as sqlite:{owner}@FILE; its rows must have the rowids of the full-text table"
    )


def find_words(table: str, tables: Mapping[str, str], key: str) -> WordTable | None:
    """Return the FTS5 table with the words of a table: itself, one with its content, or one with a usual name.

    Args:
        table: The table.
        tables: The name and the SQL of every table.
        key: The column of the table by which other tables name a row.
    """
    full_text = [name for name, sql in tables.items() if module_of(sql) == "fts5"]
    if table in full_text:
        return WordTable(table)
    own = [name for name in full_text if (_option("content", tables[name]) or "").lower() == table.lower()]
    if own:
        return WordTable(own[0], _option("content_rowid", tables[own[0]]) or key)
    named = [name for pattern in TABLES if (name := pattern.format(table)) in full_text]
    return WordTable(named[0], key) if named else None


def check_words(
    connection: sqlite3.Connection, store: str, table: str, words: WordTable, tables: Mapping[str, str]
) -> None:
    """Check that the rows of the FTS5 table are those of the table: the longest words of some texts are looked for.

    Raises:
        InvalidInput: The FTS5 table is empty, or most of the compared rows have other words than the table.
    """
    if words.name == table:
        return
    content = _option("content", tables[words.name])
    rowids = _indexed(connection, words, table, tables)
    if not rowids:
        if connection.execute(f"select 1 from {quoted(table)} limit 1").fetchone():
            own = "" if content != table else f": insert into {words.name}({words.name}) values('rebuild')"
            raise InvalidInput(f"{store}: the full-text table {words.name!r} is empty: fill it{own}")
        return
    results = {rowid: same for rowid in rowids if (same := _is_same(connection, rowid, table, words)) is not None}
    if sum(results.values()) >= SHARE_OF_ROWS * len(results):
        return
    other = next(rowid for rowid, same in results.items() if not same)
    source = f" It has the rows of {content!r}." if content and content.lower() != table.lower() else ""
    raise InvalidInput(
        f"{store}: the full-text table {words.name!r} does not belong to {table!r}: its row {other} does not have the "
        f"words of the row with the {words.key} {other}.{source} Make it again with content='{table}', or name the "
        "table that it belongs to"
    )


def _option(name: str, sql: str) -> str | None:
    """Return the value of an option of an FTS5 table; None without the option."""
    match = re.search(rf"\b{name}\s*=\s*(?:'((?:[^']|'')*)'|\"([^\"]*)\"|([^\s,)]*))", sql, re.IGNORECASE)
    return None if match is None else next((value for value in match.groups() if value is not None), "")


def _indexed(
    connection: sqlite3.Connection, words: WordTable, table: str, tables: Mapping[str, str]
) -> Sequence[int | str]:
    """Return the rowids at both ends of the FTS5 table. Without a table of its sizes, those of the texts."""
    sizes = f"{words.name}_docsize"
    column, source = ("id", sizes) if sizes in tables else (words.key, table)
    sql = f"select {quoted(column)} from {quoted(source)} order by 1 {{}} limit {ENDS}"
    rows = [row for order in ("asc", "desc") for row in connection.execute(sql.format(order))]
    return list(dict.fromkeys(rowid for (rowid,) in rows))


def _is_same(connection: sqlite3.Connection, rowid: int | str, table: str, words: WordTable) -> bool | None:
    """Return whether a row has the words of its text; None if the text has no words."""
    cursor = connection.execute(f"select * from {quoted(table)} where {quoted(words.key)} = ?", [rowid])
    row = cursor.fetchone()
    if row is None:
        return False
    record = dict(zip((column[0] for column in cursor.description), row, strict=True))
    columns = [name for _, name, *_ in connection.execute(f"pragma table_info({quoted(words.name)})")]
    texts = [record[name] for name in columns if name in record] or list(record.values())
    sql = f"select 1 from {quoted(words.name)} where {quoted(words.name)} match ? and rowid = ?"
    shares = []
    for own in _longest(texts):
        present = [connection.execute(sql, [f'"{word}"', rowid]).fetchone() is not None for word in own]
        shares.append(sum(present) / len(present))
    return None if not shares else max(shares) >= SHARE_OF_WORDS


def _longest(values: Sequence[Any]) -> Iterator[list[str]]:
    """Yield the longest words of each text that has words."""
    for value in values:
        own = sorted(set(WORD.findall(value)), key=lambda word: (-len(word), word)) if isinstance(value, str) else []
        if own:
            yield own[:WORDS]
