"""One search in two stages: begin retrieves the pool, finish ranks it."""
