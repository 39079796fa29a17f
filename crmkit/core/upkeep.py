"""Work that follows writes: texts are indexed in batches, the index is merged.

And work that follows the clock: activities that were dated ahead are counted once they have taken place.

It runs beside requests, in a Call without an actor.
"""

import asyncio
import logging
from functools import partial
from typing import NoReturn

from crmkit.core import followed
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.duplicates import catching_up
from crmkit.core.erasure import job
from crmkit.errors import Problem
from crmkit.storage import jobs
from crmkit.storage.duplicates import unpaired
from crmkit.storage.interface.commits import Listener
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.workspaces import erasure

log = logging.getLogger("crmkit")

PAUSE_SECONDS = 0.2  # lets texts gather: one batch is far cheaper than many
FAILED_SECONDS = 60  # until what failed is tried again: a line of log a minute while a disk is full
CLOCK_SECONDS = 20  # between two looks for activities whose time has come


async def keep_up(call: Call) -> NoReturn:
    """Index what was written and sweep what is outdated, until cancelled. A failure is logged and tried again."""
    with call.crm.database.commits.listener() as listener:
        await _keep_up(call, listener)


async def _keep_up(call: Call, listener: Listener) -> NoReturn:
    is_told = True
    while True:
        try:
            await count_due(call)
            await index_all(call)  # also what the operator's import wrote beside this server
            if is_told:
                await pair_all(call)
                await merge_all(call, listener)
                await scrub(call)
        except Exception as error:
            log_failure(call.crm, error)
            await asyncio.sleep(FAILED_SECONDS)
            is_told = True
            continue
        is_told = await _told(listener)
        if is_told:
            await asyncio.sleep(PAUSE_SECONDS)


def log_failure(crm: Crm, error: Exception) -> None:
    """Log that work beside requests failed, not too often while it goes on failing."""
    line = crm.database.log_throttle.line(str(error.__cause__ or error))
    if line:  # the disk's faults are no bugs
        log.warning("upkeep failed; it is tried again: %s", line, exc_info=not isinstance(error, Problem))


async def _told(listener: Listener) -> bool:
    """Wait for a commit, not longer than CLOCK_SECONDS, and tell whether there was one."""
    try:
        async with asyncio.timeout(CLOCK_SECONDS):
            await listener.wait()
    except TimeoutError:
        return False
    return True


async def count_due(call: Call) -> None:
    """Count the activities, dated ahead, whose time has come."""
    crm = call.crm
    if await call.read(followed.is_due, crm.now):
        while await call.write(partial(followed.count_due, kinds=crm.kinds), lanes=ANYWHERE, silent=True):
            pass


async def index_all(call: Call) -> None:
    """Index every text that waits; those that come meanwhile wait until more have gathered."""
    texts = call.crm.database.texts
    for kind in call.crm.kinds.searched:
        if await call.read(texts.waits, kind):
            while await call.write(partial(texts.index, kind=kind), lanes=ANYWHERE, silent=True):
                pass


async def pair_all(call: Call) -> None:
    """Pair the records that wait for it (see storage/duplicates/unpaired.py)."""
    if await call.read(unpaired.first):
        while await call.write(partial(catching_up.step, kinds=call.crm.kinds), lanes=ANYWHERE, silent=True):
            pass


async def merge_all(call: Call, listener: Listener) -> None:
    """Merge what the index was written in, in small steps, until all is done or somebody writes."""
    crm, texts = call.crm, call.crm.database.texts
    for kind in crm.kinds.searched:
        try:
            is_whole = await call.scan(texts.is_scattered, kind)
        except Problem:  # lists keep all connections busy
            continue
        step = partial(texts.merge, kind=kind, is_whole=is_whole)
        while not listener.is_behind and await call.write(step, lanes=ANYWHERE, silent=True):
            pass


async def scrub(call: Call) -> None:
    """Leave no byte of what was erased in the index or the log, in small steps; others write between them."""
    crm, texts = call.crm, call.crm.database.texts
    erased = await call.read(erasure.pending)
    if not erased:
        return
    await index_all(call)  # what was deleted may still wait for that
    for kind in crm.kinds.searched:
        is_whole = True  # first merge all present segments into one
        while await call.write(partial(texts.merge, kind=kind, is_whole=is_whole), lanes=ANYWHERE, silent=True):
            is_whole = False
    if await crm.database.forget_log():
        await call.write(partial(_scrubbed, upto=erased), lanes=ANYWHERE, silent=True)


def _scrubbed(tx: Tx, upto: int) -> None:
    erasure.finish(tx, upto)
    jobs.wake(tx, job.NAME)
