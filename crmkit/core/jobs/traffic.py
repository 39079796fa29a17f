"""Whether anybody but jobs asks for something, so that these rest only where others would wait."""

import time

QUIET_SECONDS = 0.5  # without a request, after which nobody is thought to wait


class Traffic:
    """Knows when the newest request came that is more than a look how far a job is."""

    __slots__ = ("_newest",)

    def __init__(self) -> None:
        self._newest = float("-inf")

    def request(self) -> None:
        """Take note of a request."""
        self._newest = time.monotonic()

    @property
    def is_quiet(self) -> bool:
        return time.monotonic() - self._newest > QUIET_SECONDS
