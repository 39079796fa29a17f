"""SQLite, the database that crmkit brings along.

`engine/`: connections, their threads, the writer, the write-ahead log; start reading there. `search/`: the index of
texts. `migrations/`: the schema, step by step. `backup/`: all of an installation as one file. Beside them `brand` (what
boot chooses), `dialect` (spellings of SQL), `doctor` (what `crmkit doctor` finds), `files` (what is
found of them without opening them) and `auth_triggers` (they tell the cache of token lookups what a commit changes).
"""
