"""Limits of requests hold for all processes of one database: each tells the others twice a second what it let pass.

So a limit may be passed by what is sent in half a second, and by what processes let pass that are not busy yet.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

from crmkit.core.crm import Crm
from crmkit.web.limits.requests import RateLimits

EVERY_SECONDS = 0.5

log = logging.getLogger("crmkit")


@asynccontextmanager
async def sharing(limits: RateLimits, crm: Crm) -> AsyncIterator[None]:
    """Tell other processes, and learn from them, until the block ends; where there are none, do nothing."""
    if not crm.database.is_shared:
        yield
        return
    task = asyncio.create_task(_share(limits, crm))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _share(limits: RateLimits, crm: Crm) -> NoReturn:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        told = limits.untold()
        if told:
            try:
                limits.learn(told, await crm.database.add_up(told))
            except Exception as error:
                line = crm.database.log_throttle.line(str(error.__cause__ or error))
                if line:
                    log.warning("limits of requests are not shared for a moment: %s", line)
