"""What a rule is: for which kinds it stands, and what it does before and after a record is written."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from crmkit.core.crm import Crm
from crmkit.model.record import Kind, Record
from crmkit.storage.interface.tx import Tx

Values = dict[str, Any]  # fields in stored form, by name


class Write(Struct, frozen=True):
    """A record that is being created (without `before`) or changed; `notes` are for the answer, as rules leave them.

    `past` is what an import tells of the record's past: times, in stored form.
    """

    tx: Tx
    crm: Crm
    kind: Kind
    before: Record | None
    notes: list[str] = field(default_factory=list)
    past: Mapping[str, str | None] = field(default_factory=dict)

    def was(self, name: str) -> Any:
        """Return what the field holds before the write; None in a new record."""
        return None if self.before is None else getattr(self.before, name)

    def told(self, name: str) -> str | None:
        """Return the time that an import tells of the past, None if it tells none; a time to come is the present."""
        time = self.past.get(name)
        return min(time, self.tx.now) if time else None

    def will(self, name: str, values: Values) -> Any:
        """Return what the field holds after the write of these values."""
        return values[name] if name in values else self.was(name)


def unchanged(write: Write, values: Values) -> Values:
    return values


def nothing(write: Write, record: Record) -> None:
    return None


class Rule(Struct, frozen=True):
    """A rule for the kinds that it `concerns`.

    `settle` returns the values to write for those that were sent, whose links have been resolved; it raises a Problem
    for what the rule forbids. `after` is called with the record as it was written, to write what follows on others.
    `agree` returns the values that an undo puts back, with what follows from them where other fields changed since; it
    raises a Problem, which names fields, where those of the record would not go together. What was set up since, like
    a strict pipeline, is not held against them. All run in the write's transaction and do not change what they are
    given.
    """

    concerns: Callable[[Kind], bool]
    settle: Callable[[Write, Values], Values] = unchanged
    after: Callable[[Write, Record], None] = nothing
    agree: Callable[[Write, Values], Values] = unchanged


def has(*names: str) -> Callable[[Kind], bool]:
    """Return what tells whether a kind has fields of these names, which clients write."""
    return lambda kind: all(name in kind.writable for name in names)
