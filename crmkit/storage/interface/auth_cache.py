"""A cache of token lookups: who may do what, kept in memory until a commit changes it.

The database tells the cache of every statement that changes tokens, memberships, workspaces or users, whoever wrote the
statement. So a revoked token is dead for the next request.
"""

import time
from typing import Any

KEPT_SECONDS = 30  # bounds how long a change goes unnoticed by a program that does not tell of it
MOST = 10_000  # values kept


class AuthCache:
    """What was read lately; `forget` is called after each commit, before anybody is told of it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], tuple[float, Any]] = {}
        self._generation = 0  # how often something changed
        self._is_changing = False

    def note_change(self) -> None:
        """Note that the present transaction changes who may do what; called on the thread that writes."""
        self._is_changing = True

    @property
    def is_changing(self) -> bool:
        """Tell whether something changed since the last commit; asked on the thread that writes."""
        return self._is_changing

    def forget(self) -> bool:
        """Drop all values, if the transaction that was just committed changed who may do what; tell whether it did."""
        has_changed, self._is_changing = self._is_changing, False
        if has_changed:
            self.drop()
        return has_changed

    def drop(self) -> None:
        """Drop all values: what was read before is not kept any more either."""
        self._generation += 1
        self._kept.clear()

    def find(self, key: tuple[Any, ...]) -> Any:
        """Return the value kept under `key`, None when there is none."""
        found = self._kept.get(key)
        return found[1] if found is not None and time.monotonic() - found[0] < KEPT_SECONDS else None

    @property
    def generation(self) -> int:
        """Which generation a value belongs to that is read from now on."""
        return self._generation

    def keep(self, key: tuple[Any, ...], value: Any, generation: int) -> None:
        """Keep a value of this generation; one that may have been read before a change is not kept, nor is None."""
        if generation == self._generation and value is not None:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = (time.monotonic(), value)
