"""Pages of lists: their rows as lines and as JSON (`rows`), and as many of them as fit into an answer (`fitting`)."""
