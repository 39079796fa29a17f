"""Work that follows writes: texts are indexed in batches, the index is merged, what is outdated is dropped.

It runs beside requests.
"""

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
            await merge_all(crm)
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


async def merge_all(crm: Crm) -> None:
    """Merge what the index was written in, in small steps, until all is done or somebody writes."""
    for kind in KINDS:
        is_whole = await crm.database.scan(search.is_scattered, kind)
        step = partial(search.merge, kind=kind, is_whole=is_whole)
        while not crm.database.wrote.is_set() and await crm.database.write(step, silent=True):
            pass


def _sweep(tx: Tx) -> None:
    codes.forget_before(tx, after(tx.now, days=-KEEP_DAYS))
    confirmations.forget_before(tx, tx.now)
    grants.forget(tx, after(tx.now, days=-KEEP_DAYS))
