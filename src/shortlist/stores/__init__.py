"""Stage one over the stores of others, such as Chroma, Qdrant and PostgreSQL. Nothing here writes to a store."""
