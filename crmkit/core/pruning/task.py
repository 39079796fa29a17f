"""The task of a server that drops what is outdated, every hour and as soon as the clock was set back."""

import asyncio
from typing import NoReturn

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.pruning.log import prune_log
from crmkit.core.pruning.sweep import sweep
from crmkit.core.upkeep import FAILED_SECONDS, log_failure

HOURS = 1
CLOCK_SECONDS = 5  # between two looks at the clock


async def prune(call: Call) -> NoReturn:
    """Drop what is outdated until cancelled. A failure is logged and tried again."""
    due = seen = ""
    while True:
        now = call.crm.now
        if now >= due or now < seen:  # at once when the clock was set back: what was made ahead of it ends
            try:
                await sweep(call)
                await prune_log(call)
            except Exception as error:
                log_failure(call.crm, error)
                await asyncio.sleep(FAILED_SECONDS)
                continue
            due = after(now, hours=HOURS)
        seen = now
        await asyncio.sleep(CLOCK_SECONDS)
