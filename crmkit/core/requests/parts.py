"""A dry run of what one transaction should not do: in many, each of which is taken back, while others write."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from crmkit.core.call import Call
from crmkit.storage.interface.tx import Tx

T = TypeVar("T")

MOST_SECONDS = 15  # of a dry run, which a client waits for


async def tried(call: Call, step: Callable[[T, Tx], T | None], at: T) -> T | None:
    """Return None once `step` has returned that, else the place that it came to within MOST_SECONDS.

    Each step is a transaction of its own; it begins at the place that the one before it returned, the first one `at`.
    """
    ends = time.monotonic() + MOST_SECONDS
    while True:
        began = time.monotonic()
        reached = await call.write(partial(step, at))
        if reached is None or time.monotonic() >= ends:
            return reached
        at = reached
        if not call.crm.traffic.is_quiet:
            await asyncio.sleep(time.monotonic() - began)  # half of the time is for others
