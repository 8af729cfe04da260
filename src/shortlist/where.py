"""Values of metadata, and filters on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = str | int | float | bool
"""One value of a metadata field."""

Field: TypeAlias = "Value | list[Value]"
"""What a metadata field holds. A filter finds a list by each of its values."""

Condition: TypeAlias = "Mapping[str, Value | list[Value]]"
"""Operators of a field, all of which must hold: {"gte": 10, "lt": 100}.

The names are those of Chroma, Pinecone and the ranges of Qdrant: "eq", "in", "ne", "nin", "lt", "lte", "gt", "gte". The
three others are "prefix" (the text starts so), "ieq" (equal but for small and capital letters) and "iprefix". A "$"
before a name is accepted. "eq" is the same as "in", and "ne" as "nin".
"""

Where: TypeAlias = Mapping[str, "Value | list[Value] | Condition"]
"""A filter on metadata: each field equals the value, or one of the listed values, or meets the operators.

All fields must match. Equality is case-sensitive. Accents may be characters of their own. A number equals the text that
is written like it, and true and false equal their words, because CSV files and YAML front matter hold only text: 2024
and "2024" find 2024, 2024.0 and "2024"; "007" finds only text.

"lt", "lte", "gt" and "gte" compare numbers, and texts that are numbers, with a number. They compare dates with a date:
a day such as 2024-01-31, a month, or a time, whose zone is UTC if it has none. A day counts as a whole: "lte" reaches
to its end. A number of four digits is also a year. Other text has no order. A day or a month equals each moment in it,
except in "document_id" and "title". "ne" and "nin" are the opposite of equality, so they find passages without the
field; every other operator needs the field. A list needs one value that meets the operator.

Every passage has the fields "document_id" and "title". "title" is the document's title, or a heading above the passage,
alone or with the headings above that ("Guide", "Setup", "Guide > Setup"). A field inside another field has a name with
a dot, such as "size.width".
"""

Given: TypeAlias = "Value | Collection[Value]"
"""What a caller writes for one value or several: a list, a tuple or a set, also one of texts alone."""

Filter: TypeAlias = "Mapping[str, Given | Mapping[str, Given]] | str | Sequence[str]"
"""A filter as a mapping, see `Where`, or its conditions as texts, such as "price<100": see
`shortlist.search.filters.where_of`."""
