"""Whether anybody but jobs asks for something, so that these rest only where others would wait."""

import time

QUIET_SECONDS = 0.5  # without a request, after which nobody is thought to wait


class Traffic:
    """Knows when the newest request came."""

    __slots__ = ("_before", "_newest")

    def __init__(self) -> None:
        self._newest = self._before = float("-inf")

    def request(self) -> None:
        """Take note of a request."""
        self._before, self._newest = self._newest, time.monotonic()

    def looks(self) -> None:
        """Take note that the newest request looks how far a job is: nobody waits for its answer instead of the job."""
        self._newest = self._before

    @property
    def is_quiet(self) -> bool:
        return time.monotonic() - self._newest > QUIET_SECONDS
