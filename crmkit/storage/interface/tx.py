"""What a unit of work is given: the connection, one reading of the clock, who acts, and what is known already."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from crmkit import ids
from crmkit.model.actor import Actor
from crmkit.storage.interface.connection import Connection

T = TypeVar("T")


@dataclass(slots=True)
class Known:
    """What the units of one transaction found out, so that the next need not ask: nobody else writes meanwhile.

    Their new ids begin alike: every index on ids then grows in one place, not in as many as there are new rows.

    It is dropped whenever it may be wrong (see writer): after a unit that fails, whose statements are taken back, and
    after one that changes who may do what. So nothing in it is ever mended.
    """

    actors: dict[str, Actor] = field(default_factory=dict)  # by the id of their token
    last: dict[tuple[str, int], int] = field(default_factory=dict)  # (table, workspace's number) -> its newest row
    start: str = field(default_factory=ids.start)  # of new ids


@dataclass(slots=True)
class Tx:
    """A write in progress. `now` is the same stamp throughout; `actor` is None for work of the system itself."""

    connection: Connection
    now: str
    actor: Actor | None = None
    known: Known = field(default_factory=Known)

    @property
    def by(self) -> Actor:
        """Return who acts; work of the system itself has no business asking."""
        if self.actor is None:
            raise RuntimeError("this unit of work has no actor")
        return self.actor


Unit = Callable[[Tx], T]  # of work: what is done in one transaction
