"""The columns of a PostgreSQL table: which one holds the vectors, and how its words are searched."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from shortlist.errors import InvalidInput, StoreNotFound
from shortlist.stores.fields import USUAL, FieldKind, Fields, choose, find_fields
from shortlist.stores.metrics import MetricName

Select: TypeAlias = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]
"""A function that runs a query with its values and returns the lines."""

VECTOR_TYPES = frozenset({"vector", "halfvec"})
TEXT_TYPES = frozenset({"text", "varchar", "bpchar", "citext", "name"})
NUMBER_TYPES = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
OBJECT_TYPES = frozenset({"json", "jsonb"})
NOT_SHOWN = frozenset({"vector", "halfvec", "sparsevec", "bit", "varbit", "tsvector", "bytea"})
"""The types of columns that no passage shows."""
OPERATORS: Mapping[str, tuple[str, MetricName]] = {
    "cosine": ("<=>", "cosine"),
    "ip": ("<#>", "dot"),
    "l2": ("<->", "l2"),
}
"""pgvector's operator for each of its index classes, and what its number means."""
ITERATIVE_SCAN = (0, 8)
"""The first version of pgvector that reads on in an index if a filter leaves out rows."""
CONFIGURATION = re.compile(r"to_tsvector\('(?P<name>[^']+)'::regconfig")
DEFAULT_CONFIGURATION = "english"

TABLE = "select n.nspname, c.relname, c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace"
TABLES = (
    f"{TABLE} where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> "
    "'information_schema' and has_table_privilege(c.oid, 'select') order by 1, 2"
)
COLUMNS = """
select a.attname, t.typname, a.atttypmod, coalesce(pg_get_expr(d.adbin, d.adrelid), '')
from pg_attribute a join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = %(oid)s and a.attnum > 0 and not a.attisdropped order by a.attnum"""
INDEXES = """
select m.amname, o.opcname, coalesce(a.attname, ''), coalesce(pg_get_expr(i.indexprs, i.indrelid), ''),
       i.indisprimary and i.indnkeyatts = 1
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
join pg_opclass o on o.oid = i.indclass[0]
left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
where i.indrelid = %(oid)s and i.indisvalid and i.indpred is null order by c.relname"""
VERSION = "select extversion from pg_extension where extname = 'vector'"


@dataclass(frozen=True, slots=True)
class VectorColumn:
    """A column with vectors. `index` is "hnsw" or "ivfflat", or "" if every row is compared."""

    name: str
    type: str
    operator: str
    metric: MetricName
    dimension: int | None
    index: str = ""
    iterative: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A table. `columns` are the types of the columns that a passage shows, and `key` is the column of the ids.

    `words` is the SQL of the words of a row, and `configuration` is the text search configuration that made them.
    """

    table: str
    columns: Mapping[str, str]
    key: str
    fields: Fields
    vector: VectorColumn | None
    words: str
    configuration: str


def quoted(name: str) -> str:
    """Return a name in SQL. A percent sign is doubled, because psycopg reads it as a placeholder."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def read_layout(select: Select, store: str, table: str, given: Mapping[str, str]) -> Layout:
    """Return the layout of a table.

    Raises:
        InvalidInput: No id, or fields that are not found.
        StoreNotFound: No such table.
    """
    schema, name, oid = _find(select, store, table)
    lines = select(COLUMNS, {"oid": oid})
    types = {column: type_name for column, type_name, _, _ in lines}
    indexes = select(INDEXES, {"oid": oid})
    vector = _vector(select, store, lines, indexes, given)
    kinds = {column: _kind(column, type_name) for column, type_name in types.items()}
    fields = find_fields(store, given, kinds, schema=True)
    words, configuration = _words(lines, indexes, fields)
    return Layout(
        f"{quoted(schema)}.{quoted(name)}",
        {column: type_name for column, type_name in types.items() if type_name not in NOT_SHOWN},
        fields.id or _primary_key(store, indexes, types),
        fields,
        vector,
        words,
        configuration,
    )


def _find(select: Select, store: str, table: str) -> tuple[str, str, int]:
    """Return the schema, the name and the number of a table. The table may be named with its schema."""
    names = ['"' + table.replace('"', '""') + '"']
    if "." in table:
        names.append(".".join('"' + part.replace('"', '""') + '"' for part in table.split(".", 1)))
    for name in names:
        for line in select(f"{TABLE} where c.oid = to_regclass(%(name)s)", {"name": name}):
            return (line[0], line[1], line[2])
    tables = [line[1] if line[0] == "public" else f"{line[0]}.{line[1]}" for line in select(TABLES, {})]
    existing = f"the tables are {', '.join(tables)}" if tables else "the database has no tables that you may read"
    raise StoreNotFound(f"{store}: there is no table {table!r}; {existing}")


def _kind(name: str, type_name: str) -> FieldKind:
    if type_name in TEXT_TYPES or (type_name == "uuid" and name in (*USUAL["id"], *USUAL["document_id"])):
        return "text"
    if type_name in NUMBER_TYPES:
        return "number"
    if type_name in OBJECT_TYPES:
        return "object"
    return "vector" if type_name in VECTOR_TYPES else "other"


def _primary_key(store: str, indexes: Sequence[tuple[Any, ...]], types: Mapping[str, str]) -> str:
    for _, _, column, _, is_key in indexes:
        if is_key and column in types:
            return str(column)
    raise InvalidInput(
        f"fields: {store} has no primary key of one column and no column with a usual name for ids; its columns are "
        f"{', '.join(types)}. Give id=NAME",
        field="fields",
    )


def _vector(
    select: Select,
    store: str,
    lines: Sequence[tuple[Any, ...]],
    indexes: Sequence[tuple[Any, ...]],
    given: Mapping[str, str],
) -> VectorColumn | None:
    columns = {line[0]: line for line in lines if line[1] in VECTOR_TYPES}
    if not columns:
        return None
    name = choose("vector", list(columns), given, store)
    _, type_name, size, _ = columns[name]
    dimension = size if size > 0 else None
    for method, operators, column, _, _ in indexes:
        measure = operators.removeprefix(f"{type_name}_").removesuffix("_ops")
        if column == name and method in ("hnsw", "ivfflat") and measure in OPERATORS:
            version = tuple(int(part) for part in re.findall(r"\d+", str(select(VERSION, {})[0][0]))[:2])
            return VectorColumn(name, type_name, *OPERATORS[measure], dimension, method, version >= ITERATIVE_SCAN)
    return VectorColumn(name, type_name, *OPERATORS["cosine"], dimension)


def _words(lines: Sequence[tuple[Any, ...]], indexes: Sequence[tuple[Any, ...]], fields: Fields) -> tuple[str, str]:
    """Return the SQL of a row's words, and their configuration.

    They come from a column of type tsvector, else from the expression of a full-text index, else from title and text.
    """
    for column, type_name, _, expression in lines:
        if type_name == "tsvector":
            return quoted(column), _configuration(expression)
    for method, _, _, expression, _ in indexes:
        if method in ("gin", "gist") and CONFIGURATION.search(expression):
            return f"({expression.replace('%', '%%')})", _configuration(expression)
    texts = [quoted(name) for name in (fields.title, fields.text) if name]
    return f"to_tsvector('{DEFAULT_CONFIGURATION}', concat_ws(' ', {', '.join(texts)}))", DEFAULT_CONFIGURATION


def _configuration(expression: str) -> str:
    match = CONFIGURATION.search(expression)
    return match["name"] if match else DEFAULT_CONFIGURATION
