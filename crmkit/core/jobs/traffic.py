"""Whether anybody but jobs asks for something, and how much, so that these rest only where others would wait."""

import time

QUIET_SECONDS = 0.5  # without a request, after which nobody is thought to wait
COUNTED_SECONDS = 1.0  # requests are counted over this long


class Traffic:
    """Knows when the newest request came that is more than a look how far a job is, and how many come."""

    __slots__ = ("_counted", "_newest", "_rate", "_since")

    def __init__(self) -> None:
        self._newest = self._since = float("-inf")
        self._counted = 0
        self._rate = 0.0

    def request(self) -> None:
        """Take note of a request."""
        self._newest = now = time.monotonic()
        if now - self._since >= COUNTED_SECONDS:
            self._rate = self._counted / (now - self._since)
            self._since, self._counted = now, 0
        self._counted += 1

    @property
    def is_quiet(self) -> bool:
        return time.monotonic() - self._newest > QUIET_SECONDS

    @property
    def per_second(self) -> float:
        """How many requests came in each second of late; 0 while nobody asks."""
        return 0.0 if self.is_quiet else self._rate
