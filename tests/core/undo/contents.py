"""What tests of undo read: the newest operation, and all that a database holds, to see whether a request changed it."""

import re
from typing import Any

from tests import postgres
from tests.house import House, Person
from tests.storage.desk import Desk
from tests.teams.rights.matrix import newest_operation

_BESIDE = re.compile(r"(sqlite|search)_|tokens|\w+_(unindexed|texts|search)")  # texts are indexed beside requests


def rows(connection: Any) -> dict[str, list[str]]:
    """Return the rows of every table but for tokens, which slide, and texts."""
    kept = [name for name in postgres.tables(connection) if not _BESIDE.match(name)]
    return {name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"').fetchall())) for name in kept}


def all_rows(back: Desk) -> dict[str, list[str]]:
    found: dict[str, list[str]] = back.do(back.database.read(None, rows))
    return found


def newest(home: House, person: Person) -> str:
    """Return the id of the operation that was done last in the workspace of a person."""
    return home.do(newest_operation(home, person.json_of("GET", "/whoami")["workspace"]))
