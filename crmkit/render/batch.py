"""The answer to a batch: what became of each item, and how many of each outcome there are."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from crmkit.errors import Problem
from crmkit.render.answers import Table, numbered_lines, told_of_fields
from crmkit.render.tail import Tail

OUTCOMES = ("created", "updated", "failed")


class Item(Struct, frozen=True):
    """What became of an item: one of OUTCOMES, with the id and handle of its record, or with why it failed."""

    outcome: str
    id: str | None = None
    handle: str | None = None
    notes: Sequence[str] = ()
    problem: Problem | None = None
    potential_duplicate: str = ""  # handle of what a new record may be the same as

    def line(self, told: set[str]) -> Mapping[str, Any]:
        """Return what the line has after its number, without a hint that is among those `told`; others join them."""
        if self.problem is None:
            note = "; ".join(self.notes) or None
            return {"outcome": self.outcome, "handle": self.handle, **self._alike, "note": note}
        hint, fields = self.problem.hint, told_of_fields(self.problem.fields)
        once = {} if hint in told else {"hint": hint}
        told.add(hint)
        return {"outcome": self.outcome, "error": self.problem.code, **fields, **once}

    def data(self, index: int) -> Mapping[str, Any]:
        """Return the JSON of the item at this index of the batch."""
        found: dict[str, Any] = {"index": index, "outcome": self.outcome}
        if self.problem is not None:
            return {**found, "error": self.problem.code, "hint": self.problem.hint, "fields": self.problem.fields}
        remarks = {"remarks": list(self.notes)} if self.notes else {}
        return {**found, "id": self.id, "handle": self.handle, **self._alike, **remarks}

    @property
    def _alike(self) -> Mapping[str, str]:
        return {"potential_duplicate": self.potential_duplicate} if self.potential_duplicate else {}


def outcomes(items: Sequence[Item]) -> Table:
    """Return what became of each item of a batch.

    In text each line begins with its number, counted from 0, and a hint stands on the first item that it is of.
    """
    told: set[str] = set()
    counts = {outcome: sum(item.outcome == outcome for item in items) for outcome in OUTCOMES}
    tail = Tail(counts=[", ".join(f"{number} {outcome}" for outcome, number in counts.items())])
    part = numbered_lines("item", [item.line(told) for item in items], tail, start=0)
    facts = {"items": [item.data(index) for index, item in enumerate(items)], **counts}
    return Table((part,), facts, 207 if counts["failed"] else 201 if counts["created"] else 200)
