"""SQLite, the database that crmkit brings along.

`engine/`: connections, their threads, the writer, the write-ahead log; start reading there. `search/`: the index of
texts. `migrations/`: the schema, step by step. Beside them `brand` (what boot chooses), `doctor` (what the operator's
look finds) and `auth_triggers` (what tells the cache of token lookups that a commit changes them).
"""
