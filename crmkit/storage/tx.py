"""What a unit of work is given: the connection, one reading of the clock, and who acts."""

from dataclasses import dataclass

from crmkit.model.actor import Actor
from crmkit.storage.sqlite import sqlite3

Connection = sqlite3.Connection


@dataclass(slots=True)
class Tx:
    """A write in progress. `now` is the same stamp throughout; `actor` is None for work of the system itself."""

    connection: Connection
    now: str
    actor: Actor | None = None

    @property
    def by(self) -> Actor:
        """Return who acts; work of the system itself has no business asking."""
        if self.actor is None:
            raise RuntimeError("this unit of work has no actor")
        return self.actor
