"""What was logged is sealed beside requests: what makes a whole seal each minute, the rest every ten minutes."""

import asyncio
import logging
import time
from functools import partial
from typing import NoReturn

from crmkit.core.call import Call
from crmkit.errors import Problem
from crmkit.storage.log import seals
from crmkit.storage.log.chain import Chain
from crmkit.storage.log.seals import Waiting

log = logging.getLogger("crmkit")

LOOK_SECONDS = 60  # between two looks at all workspaces
EVERY = 10  # looks, after which a workspace is sealed that has fewer entries than a whole seal
AT_ONCE = 200  # workspaces that one read looks at: two milliseconds
REST = 4  # times as long as a seal took, for others


async def keep_sealed(call: Call) -> NoReturn:
    """Seal what was logged, until cancelled. A failure is logged and tried again."""
    looks = 0  # the first one seals all that a program before this one left
    while True:
        try:
            await seal_all(call, is_whole=looks % EVERY == 0)
            looks += 1
        except Exception as error:
            _tell(call, "the audit log", error)
        await asyncio.sleep(LOOK_SECONDS)


def _tell(call: Call, what: str, error: Exception) -> None:
    line = call.crm.database.log_throttle.line(f"{what} waits to be sealed: {error.__cause__ or error}")
    if line:
        log.warning("%s", line, exc_info=not isinstance(error, Problem))


async def seal_all(call: Call, is_whole: bool = True) -> None:
    """Seal what waits of every workspace; unless all of it shall be, only what makes whole seals.

    A workspace whose entries cannot be sealed is logged, and the others are sealed. Raises Problem of the database.
    """
    chain = Chain(call.crm.key)
    after: int | None = 0
    while after is not None:
        found, after = await call.read(seals.waiting, after, AT_ONCE)
        for waiting in found:
            try:
                await _seal(call, chain, waiting, is_whole)
            except Problem:
                raise
            except Exception as error:  # a text that the database cannot read as one
                _tell(call, f"the audit log of {waiting.workspace.id}", error)


async def _seal(call: Call, chain: Chain, waiting: Waiting, is_whole: bool) -> None:
    lanes = (waiting.workspace.id, seals.LANE)
    step, left = partial(seals.seal, chain=chain, workspace=waiting.workspace), waiting.newest - waiting.after
    while left >= (1 if is_whole else seals.MOST):
        began = time.monotonic()
        count = await call.write(step, lanes, silent=True)
        if not count:
            return
        left -= count
        await asyncio.sleep(REST * (time.monotonic() - began))
