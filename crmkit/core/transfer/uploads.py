"""The files that clients sent, and what of them still counts."""

import asyncio
from collections.abc import Collection

from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.storage.interface.tx import Tx
from crmkit.storage.transfer import kept

OLD_SECONDS = 24 * 3600  # since a file was written last: no request takes as long after it


async def clear(call: Call) -> None:
    """Remove the files that nothing names, when the server starts: what was on its way when it stopped.

    Where other processes serve, that may be on its way to them, so it is left to `clear_old`.
    """
    if not call.crm.database.is_shared:
        call.crm.uploads.clear(await call.read(kept.names))


async def clear_old(call: Call) -> None:
    """Remove the files that nothing names and no request writes any more: what requests left that were cut."""
    named = await call.read(kept.names)
    await asyncio.to_thread(call.crm.uploads.clear, named, OLD_SECONDS)


def remove(tx: Tx, crm: Crm, names: Collection[str]) -> None:
    """Have files removed once the transaction is durable, after which no row names them."""

    def work() -> None:
        for name in names:
            crm.uploads.remove(name)

    async def effect() -> None:
        for name in names:
            crm.planned_files.take(name)
        await asyncio.to_thread(work)

    if names:
        tx.after(effect)


def remove_all(tx: Tx, crm: Crm, workspace_id: str) -> None:
    """Have all files of a workspace removed, which is to be erased in this transaction."""
    remove(tx, crm, kept.names(tx.connection, workspace_id))
