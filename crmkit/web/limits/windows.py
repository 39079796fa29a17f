"""What has passed under a key in the last seconds, and how much may."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from crmkit.errors import Problem
from crmkit.model.actor import Actor

MINUTE = 60


class Times:
    """When the requests under one key passed: how many in each second, all of which count for as long as its last."""

    __slots__ = ("count", "ended", "in_ended", "known", "last", "told", "until")

    def __init__(self) -> None:
        self.count = 0  # of all that count
        self.last = 0.0
        self.ended: tuple[Any, ...] = ()  # of each second that is over: the time of its last request, how many it had
        self.in_ended = 0
        self.until = 0.0  # until when none of this changes, but for requests that are added
        self.told = 0  # of those that count, the first ones, which other processes know
        self.known = -1  # how many all processes had ever told when this one did last

    def move(self, now: float, seconds: int) -> None:
        """Leave out what has no longer passed in the last `seconds`."""
        second = int(now)
        if self.count > self.in_ended and self.last < second:
            self.ended += (self.last, self.count - self.in_ended)
            self.in_ended = self.count
        at = 0
        while at < len(self.ended) and self.ended[at] <= now - seconds:
            self.count -= self.ended[at + 1]
            self.told = max(self.told - self.ended[at + 1], 0)
            at += 2
        if at:
            self.ended = self.ended[at:]
            self.in_ended = sum(self.ended[1::2])
        self.until = min(second + 1, self.ended[0] + seconds) if self.ended else second + 1


class Passed:
    """The requests that have passed in the last `seconds`, by `key`, the name of what actors have in common.

    What is kept of a key that asks no more is dropped after twice as long at the latest.
    """

    __slots__ = ("_before", "_of", "_recent", "_turns", "seconds")

    def __init__(self, key: str, seconds: int) -> None:
        self.seconds = seconds
        self._of: Callable[[Actor], str] = attrgetter(key)
        self._recent: dict[str, Times] = {}  # under each key that was asked for since the last turn
        self._before: dict[str, Times] = {}  # under those that were asked for last before it
        self._turns = 0.0

    def key(self, actor: Actor) -> str:
        """Return the key that this actor and those alike are counted under."""
        return self._of(actor)

    def by(self, actor: Actor, now: float) -> Times:
        """Return what has passed of this actor and those alike, as it is now."""
        return self.under(self._of(actor), now)

    def under(self, key: str, now: float) -> Times:
        """Return what has passed under a key, as it is now."""
        if now >= self._turns:
            self._before, self._recent, self._turns = self._recent, {}, now + self.seconds
        times = self._recent.get(key)
        if times is None:
            times = self._recent[key] = self._before.pop(key, Times())
        times.move(now, self.seconds)
        return times


class Window:
    """At most `most` requests, 1 or more, in any span of so many seconds, of those that are counted together.

    `who` is how the sentence of a refusal begins.
    """

    __slots__ = ("header", "most", "passed", "who")

    def __init__(self, passed: Passed, most: int, who: str) -> None:
        self.passed = passed
        self.most = most
        self.who = who
        self.header = (b"x-ratelimit-limit", b"%d" % most)

    def wait(self, times: Times, now: float) -> float:
        """Return in how many seconds more may pass than now."""
        ended, at = times.ended, 0
        surplus = times.count - self.most  # 1 or more where the limit was higher before
        while at < len(ended) and surplus >= ended[at + 1]:
            surplus -= ended[at + 1]
            at += 2
        first: float = ended[at] if at < len(ended) else times.last if times.count else now
        return first + self.passed.seconds - now

    def refusal(self, wait: int) -> Problem:
        minutes = self.passed.seconds // MINUTE
        span = "a minute" if minutes == 1 else f"{minutes} minutes"
        return Problem(
            "rate_limited",
            f"{self.who} sent {self.most} requests within {span}; wait {wait} seconds.",
            headers={"Retry-After": str(wait)},
        )
