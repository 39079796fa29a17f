"""What was found of the running server a moment ago: whoever asks again is told the same, however many ask."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from crmkit.storage.interface.database import Finding

KEPT_SECONDS = 10


class Found(Struct, frozen=True):
    """What was found at a time."""

    at: str
    findings: Sequence[Finding]


class FindingsCache:
    """Keeps what was found last for KEPT_SECONDS; those who ask meanwhile wait for one look together."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = asyncio.Lock()
        self._found: Found | None = None
        self._until = 0.0

    async def found(self, look: Callable[[], Awaitable[Found]]) -> Found:
        """Return what was found last, or what `look` finds now."""
        async with self._lock:
            if self._found is None or self._now() >= self._until:
                self._found = await look()
                self._until = self._now() + KEPT_SECONDS
            return self._found
