"""Reads that are asked again and again, kept in memory until a commit changes what they say.

What is kept is who may do what: tokens, memberships, workspaces. Triggers on the connection that writes notice every
statement that changes it, whoever wrote the statement, so a revoked token is dead for the next request.
"""

import time
from typing import Any

KEPT_SECONDS = 30  # bounds how long a change by another program goes unnoticed
MOST = 10_000  # values kept


class Recall:
    """What was read lately; `forget` is called after each commit, before anybody is told of it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], tuple[float, Any]] = {}
        self._age = 0  # how often something changed
        self._is_changing = False

    def note_change(self) -> None:
        """Note that the present transaction changes who may do what; called on the thread that writes."""
        self._is_changing = True

    def forget(self) -> None:
        """Drop what is kept, if the transaction that was just committed changed who may do what."""
        if self._is_changing:
            self._is_changing = False
            self._age += 1
            self._kept.clear()

    @property
    def is_changing(self) -> bool:
        """Tell whether something changed since the last commit; asked on the thread that writes."""
        return self._is_changing

    def find(self, key: tuple[Any, ...]) -> Any:
        """Return what is kept under `key`, None when there is nothing."""
        found = self._kept.get(key)
        return found[1] if found is not None and time.monotonic() - found[0] < KEPT_SECONDS else None

    @property
    def age(self) -> int:
        """Which state what is read from now on belongs to."""
        return self._age

    def keep(self, key: tuple[Any, ...], value: Any, age: int) -> None:
        """Keep a value that was read at this `age`; one that may have been read before a change is not kept."""
        if age == self._age and value is not None:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = (time.monotonic(), value)
