"""Why a search found nothing."""

from __future__ import annotations

import numpy as np

from shortlist.indexes.embedded.index import EmbeddedIndex
from shortlist.indexes.embedded.points import OWN_FIELDS
from shortlist.types import Where

SHOWN = 20


def why_nothing(index: EmbeddedIndex, where: Where | None = None) -> str:
    """What the index says about a search that found nothing; "" where only the query can be the reason.

    A field of `where` that no passage has is named with the fields that there are, and so is one that no passage has
    with the wanted value. Reads all passages for the former.
    """
    if not len(index):
        return "the index is empty: add files with: shortlist add PATH --index DIR"
    if not where or _any(index, where):
        return ""
    lost = [field for field, wanted in where.items() if not _any(index, {field: wanted})]
    if not lost:
        return "no passage matches: each field of the filter matches some, but none matches all"
    known = sorted({*OWN_FIELDS, *(field for one in index.passages() for field in one.metadata)})
    unknown = [field for field in lost if field not in known]
    if unknown:
        more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
        return f"no passage matches: none has a field {unknown[0]!r}; the fields are {', '.join(known[:SHOWN])}{more}"
    return f"no passage matches: none has the {lost[0]!r} that the filter asks for"


def _any(index: EmbeddedIndex, where: Where) -> bool:
    return bool(index.nearest(np.ones(index.manifest.dimension, np.float32), 1, where))
