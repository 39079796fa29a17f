"""Search by PostgreSQL's trigram index (pg_trgm).

Each kind that is searched has a table of texts: a title, and all of the text, over which the index is. A write puts the
text there in its own transaction. The words of texts, by which typos are forgiven, are counted a moment later: a row
that `waits` has words that are not counted yet, `counted` are those that are. The tiers and positions of pages are
those of every brand.
"""
