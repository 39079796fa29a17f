"""Search over texts, by FTS5's trigram index."""
