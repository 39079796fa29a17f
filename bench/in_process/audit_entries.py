"""What an entry of the audit log takes: bytes of its row and of its entries in indexes, as values, without pages."""

import asyncio
import random
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bench.data.dataset import settings_of
from bench.data.drawn import Drawn
from bench.kinds import CONTACT
from crmkit import boot
from crmkit.core.call import Call
from crmkit.core.people import sessions
from crmkit.core.records import write
from crmkit.storage.sqlite.engine.connection import SqliteConnection, connect
from crmkit.storage.sqlite.engine.folder import FILE

SEED = 7
CONTACTS = 500
STAGES = ("lead", "won")  # from the first, to the second


def bytes_per_entry() -> dict[str, float]:
    """Return the bytes of an entry of a contact that is created, and of one whose stage changes."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_write(Path(folder)))
        with closing(connect(Path(folder) / FILE, False)) as connection:
            return {verb: _bytes(connection, f"contact.{verb}") for verb in ("create", "update")}


async def _write(folder: Path) -> None:
    settings = settings_of(folder)
    token = boot.operator_token(settings, "ada@example.com", "bench").token
    crm, drawn = boot.crm_of(settings), Drawn(random.Random(SEED), 10**9)
    async with crm.database:
        call = Call(crm, await sessions.authenticate(crm, f"Bearer {token}"))
        for number in range(3, CONTACTS + 3):
            body = {**drawn.contact(number, None), "stage": STAGES[0]}
            saved = await write.save(call, CONTACT, body)
            await write.change(call, CONTACT, saved.record.id, {"stage": STAGES[1]})


def _bytes(connection: SqliteConnection, action: str) -> float:
    indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'audit'")
    places = [(_columns(connection, "pragma_table_info('audit')"), "TRUE")]
    for name, sql in indexes.fetchall():
        _, _, condition = sql.partition(" WHERE ")  # an index holds nothing of entries that it does not concern
        places.append((_columns(connection, f"pragma_index_xinfo('{name}')"), condition or "TRUE"))
    size = " + ".join(f"iif({condition}, {_length(names)}, 0)" for names, condition in places)
    (found,) = connection.execute(f"SELECT avg({size}) FROM audit WHERE action = ?", (action,)).fetchone()
    return float(found)


def _length(names: Sequence[str]) -> str:
    return " + ".join(f"coalesce(length(CAST({name} AS BLOB)), 0)" for name in names)


def _columns(connection: SqliteConnection, of: str) -> Sequence[str]:
    names = connection.execute(f"SELECT name FROM {of} WHERE name IS NOT NULL").fetchall()
    return [f'"{name}"' for (name,) in names]
