"""What the edge counts of requests: it costs each of them a few operations on plain numbers."""

import time
from bisect import bisect_left
from collections.abc import Callable

from crmkit.histogram import Histogram

# seconds, from a read by id to a search that is cut off
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Seen(Histogram):
    """The requests of one route: how many seconds their answers took, and how many had each status."""

    __slots__ = ("statuses",)

    def __init__(self) -> None:
        super().__init__(BOUNDS)
        self.statuses: dict[int, int] = {}


class Requests:
    """The requests since the start, by the pattern of their route, of which there are as many as are declared."""

    __slots__ = ("connections", "routes", "started_at")

    def __init__(self) -> None:
        self.started_at = time.time()  # in seconds since 1970
        self.routes: dict[str, Seen] = {}
        self.connections: Callable[[], int] = int  # returns how many are open

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        seen = self.routes.get(route)
        if seen is None:
            seen = self.routes[route] = Seen()
        statuses = seen.statuses
        statuses[status] = statuses.get(status, 0) + 1
        # as Histogram.add, without its call
        seen.counts[bisect_left(BOUNDS, seconds)] += 1
        seen.total += seconds
