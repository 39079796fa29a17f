"""One line of log a minute for each reason: a full disk refuses every write, and a line for each would fill it more."""

import time

SILENT_SECONDS = 60  # between two lines of the same reason
MOST_REASONS = 100  # remembered


class LogThrottle:
    """Which reasons were logged lately, and how often each came since; used on the event loop alone."""

    def __init__(self) -> None:
        self._reasons: dict[str, tuple[float, int]] = {}  # reason -> (when it was logged, how often it came since)

    def line(self, reason: str) -> str:
        """Return the line to log: the reason and how often it came unlogged; empty when it was logged just now."""
        now = time.monotonic()
        at, unlogged = self._reasons.get(reason, (float("-inf"), 0))
        if now - at < SILENT_SECONDS:
            self._reasons[reason] = (at, unlogged + 1)
            return ""
        if len(self._reasons) >= MOST_REASONS:
            self._reasons.clear()
        self._reasons[reason] = (now, 0)
        return f"{reason} (and {unlogged} times more since the last line)" if unlogged else reason
