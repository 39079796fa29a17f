"""What is done to each of many records: a change, as a PATCH of it would, or a delete."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from crmkit.core.crm import Crm
from crmkit.core.jobs.kind import Result
from crmkit.core.records import write
from crmkit.core.rules.rule import Values
from crmkit.errors import Problem
from crmkit.model.actor import Asker
from crmkit.model.record import Kind, Record
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx


class Act(Struct, frozen=True):
    """A change of records of a kind to these values, or their delete without values."""

    crm: Crm
    kind: Kind
    values: Values | None = None

    @classmethod
    def of(cls, crm: Crm, kind: Kind, body: Mapping[str, Any] | None, asker: Asker) -> "Act":
        """Return what a body, as that of a PATCH, says is done; without one it is a delete. Raises as `draft` does."""
        return cls(crm, kind, None if body is None else kind.changes.draft(body, asker, True))

    @property
    def is_delete(self) -> bool:
        return self.values is None

    @property
    def method(self) -> str:
        return "DELETE" if self.is_delete else "PATCH"

    @property
    def renames(self) -> bool:
        """Tell whether other records may repeat what changes."""
        return self.values is not None and self.kind.has_title and self.kind.title.name in self.values

    def counted(self, count: int) -> str:
        return f"{count} {self.kind.name if count == 1 else self.kind.plural}"

    def result(self, count: int, notes: tuple[str, ...] = (), left: int = 0) -> Result:
        """Return the answer for so many records that were changed or deleted, beside those that were left."""
        message = f"{'deleted' if self.is_delete else 'changed'} {self.counted(count)}"
        return Result(message, {"count": count, **({"left": left} if left else {})}, notes)

    def check_unique(self, count: int) -> None:
        """Raise `already_exists` if several records were to have one value of a unique field."""
        names = [name for name in self.kind.merges_by if (self.values or {}).get(name) is not None]
        if names and count > 1:
            found = f"The filters find {count} {self.kind.plural}"
            raise Problem(
                "already_exists",
                f"{found}, and no two have the same {' or '.join(names)}: leave it out, or change one of them.",
                fields=dict.fromkeys(names, "can be that of one record alone"),
            )

    def check_each(self, tx: Tx, ids: Sequence[str]) -> int:
        """Return how many of the records with these ids have the values already.

        Raises what `write` would for the first that cannot be written, as far as it can be told without writing.
        """
        if self.values is None:
            return 0
        same, found = 0, records.all_of(tx.connection, self.kind, tx.by.workspace_id, ids)
        for record in (found[id] for id in ids if id in found):
            try:
                same += _naming(record, write.check_change, tx, self.crm, self.kind, record, self.values)
            except Problem as problem:
                problem.hint += " Nothing was changed."
                raise
        return same

    def write(self, tx: Tx, record: Record, is_linked: bool) -> "Outcome":
        """Change or delete one record; raises a Problem that names it. `is_linked` is that of write.removed."""
        if self.values is None:
            _naming(record, write.removed, tx, self.crm.kinds, self.kind, record, is_linked)
            return Outcome()
        saved = _naming(record, write.changed, tx, self.crm, self.kind, record, self.values)
        return Outcome(saved.record is record, [f"{record.handle}: {note}" for note in saved.notes])


class Outcome(Struct, frozen=True):
    """What became of a record: whether it had the values already, and notes on what rules wrote beside it."""

    same: bool = False
    notes: list[str] | tuple[str, ...] = ()


def _naming(record: Record, work: Callable[..., Any], *args: Any) -> Any:
    """Return `work(*args)`; a Problem that it raises names the record."""
    try:
        return work(*args)
    except Problem as problem:
        found = problem.after(f"{record.handle}:")
        found.facts = {"handle": record.handle, **problem.facts}
        raise found from None
