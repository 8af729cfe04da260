"""The tables of the ledger, and its longer queries, in the SQL of SQLite."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS sources (
    name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, skipped TEXT NOT NULL, replaced INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, hash TEXT NOT NULL, passages TEXT NOT NULL, pending INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS documents_by_source ON documents (source);
CREATE TABLE IF NOT EXISTS read_times (name TEXT PRIMARY KEY, at TEXT NOT NULL);
"""

COLUMNS = {
    "sources": ("name", "fingerprint", "skipped", "replaced"),
    "documents": ("id", "source", "hash", "passages", "pending"),
    "read_times": ("name", "at"),
}
"""The columns of each table. The first one is its key."""

COUNTS = """
SELECT known.name, COUNT(d.id), COALESCE(SUM(json_array_length(d.passages)), 0), COALESCE(SUM(d.pending), 0),
    (SELECT fingerprint FROM sources WHERE name = known.name), (SELECT at FROM read_times WHERE name = known.name)
FROM (SELECT name FROM sources UNION SELECT source FROM documents) AS known
LEFT JOIN documents AS d ON d.source = known.name
GROUP BY known.name ORDER BY known.name
"""

PAGE_OF_SOURCE = """
SELECT rowid, id, source, hash, passages, pending FROM documents
WHERE source = ? AND rowid > ? ORDER BY rowid LIMIT 1000
"""

READINGS = """
SELECT name, fingerprint, skipped, replaced, at FROM read_times LEFT JOIN sources USING (name)
UNION
SELECT name, fingerprint, skipped, replaced, NULL FROM sources WHERE name NOT IN (SELECT name FROM read_times)
ORDER BY name
"""
"""What was recorded of each source that was read to its end, and of documents without a file."""
