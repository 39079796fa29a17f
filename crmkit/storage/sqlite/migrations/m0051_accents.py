"""2026-11-29. Records that are likely one are looked up without accents too.

A column beside a text says how it is without them, where that is not what filters compare. Upkeep fills those of
records that are there already, by the function that search has, and pairs these: `unfilled` has where the first of a
workspace is. Beside a million contacts and a million tasks, that took some six seconds of work.
"""

from collections.abc import Iterator

from crmkit.storage.sqlite.migrations.migration import Migration, index

_FIELDS = {"contacts": ("name", "city"), "companies": ("name",), "deals": ("title",), "tasks": ("title",)}
_MAY_DIFFER = "length(CAST({0} AS BLOB)) > length({0}) OR instr({0}, '  ') > 0"


def _statements() -> Iterator[str]:
    yield (
        "CREATE TABLE unfilled (workspace_id TEXT NOT NULL, kind TEXT NOT NULL, last INTEGER NOT NULL, "
        "PRIMARY KEY (workspace_id, kind)) STRICT, WITHOUT ROWID"
    )
    for plural, fields in _FIELDS.items():
        differ = " OR ".join(map(_MAY_DIFFER.format, fields))
        yield (
            f"INSERT INTO unfilled (workspace_id, kind, last) SELECT workspace_id, '{plural}', min(seq) - 1 "
            f"FROM {plural} NOT INDEXED WHERE {differ} GROUP BY workspace_id"
        )
    for plural, fields in _FIELDS.items():
        for field in fields:
            yield f"ALTER TABLE {plural} ADD COLUMN {field}_plain TEXT"
    yield index("contacts", "name_plain", is_partial=True)
    yield index("companies", "name_plain", is_partial=True)


MIGRATION = Migration("accents", tuple(_statements()))
