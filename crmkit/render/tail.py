"""How an answer ends: the comment lines in their fixed order."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from crmkit.model.query.listing import Paging
from crmkit.render.text import printable


class Tail(Struct, frozen=True):
    """The comment lines that end an answer, in the order in which they always stand, and their members in JSON."""

    counts: Sequence[str] = ()  # or another first line that one answer alone has
    paging: Paging | None = None  # of a page: its total and the next one
    notes: Sequence[str] = ()
    outcome: str = ""  # created, updated or merged
    now: str = ""
    timezone: str = ""  # of `now`

    def lines(self) -> list[str]:
        if self is NO_TAIL:
            return []
        paging = self.paging
        told = [
            *self.counts,
            *([f"total: {_total(paging)}"] if paging and paging.is_first else ()),
            *(f"note: {note}" for note in self.notes),
            *([self.outcome] if self.outcome else ()),
            *([f"now: {self.now} ({self.timezone})"] if self.now else ()),
            *([f"next: {paging.next_cursor}"] if paging and paging.next_cursor is not None else ()),
        ]
        return [f"# {printable(line)}" for line in told]

    def data(self) -> dict[str, Any]:
        """Return the members, but for the notes: facts say what those of a card say, and a table collects its own."""
        found: dict[str, Any] = {}
        if self.paging is not None:
            found["total"] = self.paging.total
            if self.paging.at_least is not None:
                found["total_at_least"] = self.paging.at_least
            found["next_cursor"] = self.paging.next_cursor
        if self.now:
            found |= {"now": self.now, "timezone": self.timezone}
        return found


NO_TAIL = Tail()


def _total(paging: Paging) -> str:
    return str(paging.total) if paging.at_least is None else f"{paging.at_least}+"
