"""How an answer ends: the comment lines in their fixed order."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from crmkit.model.query.listing import Paging
from crmkit.render.text import printable

DRY = "dry run: nothing was written"
SHOWN_ONCE = "what is hidden here was shown once, in the first answer"


class Tail(Struct, frozen=True):
    """The comment lines that end an answer, in the order in which they always stand, and their members in JSON."""

    counts: Sequence[str] = ()  # or another first line that one answer alone has
    paging: Paging | None = None  # of a page: its total and the next one
    notes: Sequence[str] = ()
    outcome: str = ""  # created, updated or merged
    operation: str = ""  # id of what a write logged
    can_undo: bool = False  # says how in the text
    hides: bool = False  # what the first answer showed once
    now: str = ""
    timezone: str = ""  # of `now`
    is_dry: bool = False
    read_as: str = ""  # what was asked, in words
    call: str = ""  # that comes next
    is_final: bool = False  # no undo takes it back

    def after(self, write: "Tail") -> "Tail":
        """Return this with what `write` tells of the write itself; of two operations this one's is told."""
        return Tail(  # structs.replace takes ten times as long
            self.counts,
            self.paging,
            self.notes,
            self.outcome,
            self.operation or write.operation,
            (self.can_undo or write.can_undo) and not self.is_final,
            write.hides,
            self.now,
            self.timezone,
            write.is_dry,
            self.read_as,
            "" if write.is_dry else self.call,  # nothing is there to go on with
        )

    def lines(self) -> list[str]:
        if self is NO_TAIL:
            return []
        paging = self.paging
        told = [
            *self.counts,
            *([f"total: {_total(paging)}"] if paging and paging.tells_total else ()),
            *(f"note: {note}" for note in self.notes),
            *([f"note: {SHOWN_ONCE}"] if self.hides else ()),
            *([f"read as: {self.read_as}"] if self.read_as else ()),
            *([self.outcome] if self.outcome else ()),
            *([f"undo: POST /undo/{self.operation}"] if self.can_undo and self.operation else ()),
            *([f"now: {self.now} ({self.timezone})"] if self.now else ()),
            *([f"next: {paging.next_cursor}"] if paging and paging.next_cursor is not None else ()),
            *([f"next: {self.call}"] if self.call else ()),
            *([DRY] if self.is_dry else ()),
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
        if self.read_as:
            found["read_as"] = self.read_as
        if self.now:
            found |= {"now": self.now, "timezone": self.timezone}
        if self.operation:
            found["operation"] = self.operation
        if self.call:
            found["next"] = self.call
        if self.hides:
            found["notes"] = [SHOWN_ONCE]
        if self.is_dry:
            found["dry_run"] = True
        return found


NO_TAIL = Tail()


def _total(paging: Paging) -> str:
    return str(paging.total) if paging.at_least is None else f"{paging.at_least}+"
