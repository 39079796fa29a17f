"""The source is read for statements that write records: there are few, and each is known to leave its audit entry."""

import re
from pathlib import Path

import crmkit
from tests.kinds import ACTIVITY, REGISTRY

SOURCE = Path(crmkit.__file__).parent
TABLES = "|".join(kind.plural for kind in (*REGISTRY.related, ACTIVITY))
# a table that is named by a value, or that of a kind
WRITES = re.compile(rf'(?:INSERT (?:OR \w+ )?INTO|REPLACE INTO|UPDATE|DELETE FROM) "?(?:\{{|(?:{TABLES})\b)')
FUNCTION = re.compile(r"^ *(?:async )?def (\w+)", re.MULTILINE)

LOGGED = {("records.py", name) for name in ("_insert_sql", "_changed", "_deleted", "touch")}  # by `put` and `touch`
UNLINKED_OR_RESTATED = {("records.py", "_write_linked"), ("records.py", "follow_country")}
CASCADED = {("records.py", "remove_linked")}
COUNTED = {("records.py", "add"), ("derived/tallies.py", "write"), ("examining/derived.py", "_set")}
PAIRED = {("duplicates/unpaired.py", name) for name in ("fill", "note")}
SCORED = {("scoring/scores.py", "follow")}
ERASED = {("workspaces/erasure.py", "erase"), ("erasure/other_rows.py", "clear")}
ARRIVED = {("transfer/snapshots/arriving.py", "insert"), ("sqlite/whole.py", "insert")}  # with entries of the log
SEALS = {("log/seals.py", "drop")}  # which hold no record
TEXTS = {  # tables beside those of records
    *(("sqlite/search/indexing.py", name) for name in ("queue", "index", "merge")),
    *(("sqlite/search/texts.py", name) for name in ("erase", "rebuild")),
    ("sqlite/search/rebuilding.py", "rebuild"),
    *(("postgres/search/texts.py", name) for name in ("queue", "index", "erase", "rebuild")),
}


def writers(room: Path) -> set[tuple[str, str]]:
    """Return (file, function) of each statement that writes a table of a kind, or one that a value names."""
    found = set()
    for file in room.rglob("*.py"):
        if "migrations" in file.parts:
            continue
        source = file.read_text()
        for write in WRITES.finditer(source):
            function = FUNCTION.findall(source, 0, write.start())[-1]
            found.add((str(file.relative_to(room)), function))
    return found


def test_records_are_written_by_put_and_three_more_and_what_is_not_logged_by_eight_others() -> None:
    derived = UNLINKED_OR_RESTATED | COUNTED | PAIRED | SCORED
    assert writers(SOURCE / "storage") == LOGGED | derived | CASCADED | ERASED | ARRIVED | SEALS | TEXTS
    assert writers(SOURCE / "core") == set()
