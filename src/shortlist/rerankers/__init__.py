"""(query, texts) to scores, one file a way."""
