"""Which `secret.key` a database belongs to: its fingerprint holds a lease that does not end."""

from pathlib import Path

from psycopg import errors

from crmkit.storage import secret
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Unusable

_NAME = "key"
_CLAIM = "INSERT INTO leases AS l (name, holder, until) VALUES (?, ?, 'infinity') ON CONFLICT (name) DO UPDATE SET "


def fault(connection: Connection, folder: Path) -> str:
    """Return why the key of a folder is not that of the database, and what to do; empty where it is, or has none."""
    try:
        row = connection.execute("SELECT holder FROM leases WHERE name = ?", (_NAME,)).fetchone()
    except (errors.UndefinedTable, errors.UndefinedColumn):  # or one of another program
        return ""
    found = secret.fingerprint(folder)
    if row is None or row == (found,):
        return ""
    file, other = secret.place(folder), "this one" if found else "a new one"
    why = "is another key than that of the database" if found else "is no key" if file.exists() else "is missing"
    return (
        f"{file} {why}: name the folder with the right one in [server] files (`crmkit copy`: --files), or put a copy "
        f"of it there. If it is lost for good, stop all servers: `crmkit audit renew --yes` seals the log by {other}"
    )


def check(connection: Connection, folder: Path) -> None:
    """Raise Unusable where the database belongs to another key than that of the folder, or the folder has none."""
    if why := fault(connection, folder):
        raise Unusable(why)


def join(connection: Connection, folder: Path) -> None:
    """Check, at the start of a server; the database belongs to the key of the first."""
    if found := secret.fingerprint(folder):
        connection.execute(f"{_CLAIM} until = excluded.until WHERE l.holder = excluded.holder", (_NAME, found))
    check(connection, folder)


def claim(connection: Connection, folder: Path) -> None:
    """Let the database belong to the key of this folder, if it has one, whichever it belonged to."""
    if found := secret.fingerprint(folder):
        connection.execute(f"{_CLAIM} holder = excluded.holder, until = excluded.until", (_NAME, found))
