"""One search in two stages: `begin` retrieves the pool, and `finish` ranks the pool."""
