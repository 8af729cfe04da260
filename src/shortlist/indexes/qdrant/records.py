"""The records of an index on Qdrant, as points without vectors in a collection of their own.

A record is a point `{"table": ..., "key": ..., "row": {...}}`. The collection has one shard, so that its writes have
one order.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from shortlist.indexes.qdrant.calls import QdrantCalls

if TYPE_CHECKING:
    from qdrant_client import models

NAMESPACE = uuid.UUID("b64f0a5e-7a07-4c53-a9f3-6c5f4ce3d7a2")
TABLE, KEY, ROW = "table", "key", "row"
BATCH = 512
PAGE = 1000
CONSISTENCY: Any = "majority"
"""A read asks most of the replicas, and a write goes to the leader of the shard. So a read sees the last write."""
MOST_VALUES = 1_000_000


class QdrantRecords:
    """The records of one index. Satisfies `collection.server_place.Records`. Raises as `QdrantCalls` does."""

    def __init__(self, calls: QdrantCalls, collection: str) -> None:
        self._calls, self._collection = calls, collection

    def rows(self, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the key and the row of every record of a table, in no fixed order."""
        offset: Any = None
        while True:
            page, offset = self._page(table, offset)
            for point in page:
                yield point.payload[KEY], point.payload[ROW]
            if offset is None:
                return

    def get(self, table: str, key: str) -> dict[str, Any] | None:
        """Return the row of a record, or None."""
        points = self._calls.read(
            lambda: self._calls.client.retrieve(
                self._collection, [record_id(table, key)], with_payload=True, consistency=CONSISTENCY
            )
        )
        return dict(points[0].payload[ROW]) if points else None

    def put(self, tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Write the records of some tables. A record replaces an earlier one with its key."""
        points = [record(table, key, row) for table, rows in tables.items() for key, row in rows.items()]
        for start in range(0, len(points), BATCH):
            self._upsert(points[start : start + BATCH])

    def delete(self, table: str, keys: Iterable[str]) -> None:
        """Remove the records with these keys. Unknown keys are ignored."""
        from qdrant_client import models

        ids: list[Any] = [record_id(table, key) for key in keys]
        for start in range(0, len(ids), BATCH):
            self._delete(models.PointIdsList(points=ids[start : start + BATCH]))

    def clear(self, tables: Iterable[str]) -> None:
        """Remove every record of these tables."""
        from qdrant_client import models

        for table in tables:
            self._delete(models.FilterSelector(filter=models.Filter(must=[_is(TABLE, table)])))

    def values(self, table: str, field: str) -> set[str]:
        """Return the values that a text field has in a table."""
        from qdrant_client import models

        answer = self._calls.read(
            lambda: self._calls.client.facet(
                self._collection,
                key=f"{ROW}.{field}",
                facet_filter=models.Filter(must=[_is(TABLE, table)]),
                limit=MOST_VALUES,
                exact=True,
                consistency=CONSISTENCY,
            )
        )
        return {str(hit.value) for hit in answer.hits}

    def replace(self, table: str, key: str, row: Mapping[str, Any], only_if: Mapping[str, Any]) -> None:
        """Write a record if there is none, or if its row has the values `only_if`. Read it to see whether it changed.

        The server decides and writes in one step.
        """
        from qdrant_client import models

        condition = models.Filter(must=[_is(f"{ROW}.{field}", value) for field, value in only_if.items()])
        self._upsert([record(table, key, row)], condition)

    def _page(self, table: str, offset: Any) -> tuple[list[Any], Any]:
        from qdrant_client import models

        page: tuple[list[Any], Any] = self._calls.read(
            lambda: self._calls.client.scroll(
                self._collection,
                scroll_filter=models.Filter(must=[_is(TABLE, table)]),
                limit=PAGE,
                offset=offset,
                with_payload=True,
                consistency=CONSISTENCY,
            )
        )
        return page

    def _upsert(self, points: list[models.PointStruct], condition: models.Filter | None = None) -> None:
        from qdrant_client import models

        self._calls.write(
            lambda: self._calls.client.upsert(
                self._collection, points, wait=True, ordering=models.WriteOrdering.STRONG, update_filter=condition
            )
        )

    def _delete(self, selector: Any) -> None:
        from qdrant_client import models

        self._calls.write(
            lambda: self._calls.client.delete(
                self._collection, selector, wait=True, ordering=models.WriteOrdering.STRONG
            )
        )


def record(table: str, key: str, row: Mapping[str, Any]) -> models.PointStruct:
    """Return a record as a point."""
    from qdrant_client import models

    return models.PointStruct(id=record_id(table, key), vector={}, payload={TABLE: table, KEY: key, ROW: dict(row)})


def record_id(table: str, key: str) -> str:
    """Return the id of a record's point. It depends on the table and the key alone."""
    return str(uuid.uuid5(NAMESPACE, f"{table}\n{key}"))


def _is(field: str, value: Any) -> models.FieldCondition:
    from qdrant_client import models

    return models.FieldCondition(key=field, match=models.MatchValue(value=value))
