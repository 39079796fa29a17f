"""Who learns of commits: any number of listeners, none of which misses one."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

EVERYTHING = None  # the name that a listener to all commits goes by
RIGHTS = "rights"  # the topic of a commit that changed who may do what, in any workspace


class Listener:
    """Whoever reads, then waits for the next commit, then reads again; used on the event loop alone.

    It is registered before the first read, so a commit that comes between a read and the wait ends that wait at once.
    """

    def __init__(self) -> None:
        self._told = asyncio.Event()

    @property
    def is_behind(self) -> bool:
        """Tell whether there was a commit since the last wait ended."""
        return self._told.is_set()

    async def wait(self) -> None:
        """Return once there was a commit since the last wait ended; many commits end one wait."""
        await self._told.wait()
        self._told.clear()

    def wake(self) -> None:
        """End the present wait, or the next."""
        self._told.set()


class Commits:
    """The listeners of one database, by what they listen to. There is nothing to keep for anybody who is gone."""

    def __init__(self) -> None:
        self._listeners: dict[str | None, set[Listener]] = {}

    @contextmanager
    def listener(self, *names: str | None, by: Listener | None = None) -> Iterator[Listener]:
        """Listen until the block ends: to the commits of workspaces, named by their ids, to topics, or to all commits.

        A unit of work tells of all its lanes, also of those that it entered, and of its topics (see Tx.tell).
        `by` is a listener of one's own.
        """
        listener, names = by or Listener(), names or (EVERYTHING,)
        for name in names:
            self._listeners.setdefault(name, set()).add(listener)
        try:
            yield listener
        finally:
            for name in names:
                listening = self._listeners[name]
                listening.discard(listener)
                if not listening:
                    del self._listeners[name]

    def tell(self, names: Iterable[str | None]) -> None:
        """Wake those who listen to any of these names."""
        for name in names:
            for listener in self._listeners.get(name, ()):
                listener.wake()

    def tell_all(self) -> None:
        """Wake everybody: commits may have been missed, by names that nobody knows."""
        self.tell(tuple(self._listeners))
