"""Work that follows writes: texts are indexed in batches, what is outdated is dropped. It runs beside requests."""

import asyncio
import logging
from functools import partial
from typing import NoReturn

from crmkit.clock import after
from crmkit.core.crm import Crm
from crmkit.records import KINDS
from crmkit.storage import codes, confirmations, grants, search
from crmkit.storage.tx import Tx

log = logging.getLogger("crmkit")

PAUSE_SECONDS = 0.2  # lets texts gather: one batch is far cheaper than many
SWEEP_HOURS = 1
KEEP_DAYS = 2  # counters of limits matter for a day


async def keep_up(crm: Crm) -> NoReturn:
    """Index what was written and sweep what is outdated, until cancelled. A failure is logged and tried again."""
    due = ""
    while True:
        try:
            await index_all(crm)
            if crm.now >= due:
                await crm.database.write(_sweep)
                due = after(crm.now, hours=SWEEP_HOURS)
        except Exception:
            log.exception("upkeep failed; it is tried again")
        await crm.database.wrote.wait()
        crm.database.wrote.clear()
        await asyncio.sleep(PAUSE_SECONDS)


async def index_all(crm: Crm) -> None:
    """Index every text that waits."""
    for kind in KINDS:
        while await crm.database.read(search.waits, kind):
            await crm.database.write(partial(search.index, kind=kind), silent=True)


def _sweep(tx: Tx) -> None:
    codes.forget_before(tx, after(tx.now, days=-KEEP_DAYS))
    confirmations.forget_before(tx, tx.now)
    grants.forget(tx, after(tx.now, days=-KEEP_DAYS))
