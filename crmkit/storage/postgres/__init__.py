"""What only PostgreSQL does: its driver (psycopg, by the extra `crmkit[postgres]`), connections, lanes, search, schema.

Several processes may serve one database. `engine/` has the connections, the writer and the notices of commits;
`search/` finds texts by trigrams (pg_trgm); `schema.sql` is written by `make golden` from that of the other brand, and
`functions.sql` has the functions that it needs.
"""
