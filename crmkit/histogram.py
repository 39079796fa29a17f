"""How often values came, in ranges."""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts values by the first of some rising bounds that is not smaller; the last count is of those past all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0  # of the values

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value
