"""Goes through the entries of an operation, the newest first, and takes each back or tells what stands against it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from crmkit.core.jobs.kind import Result
from crmkit.core.undo import covered
from crmkit.core.undo.reversal import ERASED, UndoContext
from crmkit.errors import Problem, listed
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit, operations
from crmkit.storage.log.operations import Entry

MOST_TOLD = 20  # conflicts in an answer
MOST_IN_HINT = 3


class Conflicts(Struct):
    """What stands against an undo: of each field or record that is named, the sentence that says why."""

    found: dict[str, str] = field(default_factory=dict)
    more: int = 0  # that are not told

    def add(self, conflicts: Mapping[str, str]) -> None:
        for name, what in conflicts.items():
            if not what:
                continue
            if len(self.found) < MOST_TOLD or name in self.found:
                self.found[name] = what
            else:
                self.more += 1

    def check(self) -> None:
        """Raise `undo_conflict` if there are any."""
        if self.found:
            raise Problem("undo_conflict", self._hint, fields=self.found)

    @property
    def _hint(self) -> str:
        """Names the first ones too: a job keeps of its error the hint alone."""
        first = list(self.found)[:MOST_IN_HINT]
        others = len(self.found) + self.more - len(first)
        named = listed([*first, f"{others} more"] if others else first)
        why = f"Nothing was undone, since this stands against it: {named}"
        if ERASED in self.found.values():
            return f"{why}. A person was erased, so it can never be undone: change what is left by hand."
        return f"{why}. Undo first what was done since, or change the records by hand."


def check_free(tx: Tx, operation: str, but: int | None = None) -> None:
    """Raise `undo_conflict`, which names the operation to undo in its place, if this one was undone before.

    An operation is undone once: what stands after that is the undo's, and after an undo of the undo that one's. The
    undo whose first entry is numbered `but` does not count: it is the one that asks.
    """
    by = operations.undone_by(tx.connection, tx.by.workspace_id, operation)
    if but is not None and by == audit.operation_id(tx.by.workspace_id, but):
        return
    chain = operations.chain(tx.connection, tx.by.workspace_id, operation)
    if len(chain) == 1:
        return
    *_, last = chain
    told = " and that by ".join(chain[1:])
    does = "does it again" if len(chain) % 2 == 0 else "takes it back again"
    raise Problem("undo_conflict", f"{operation} was undone by {told}. POST /undo/{last} {does}.")


def begin(tx: Tx, operation: str) -> None:
    """Log that the actor takes an operation back, before the changes that this makes."""
    audit.append(tx, "operation.undo", operations.handle(operation), {})


def take_back(context: UndoContext, entries: Iterable[Entry]) -> tuple[set[str], Counter[str]]:
    """Take all entries back; return the handles of what was written, and how many more there are of each kind.

    Raises `undo_conflict` with all that stands against it.
    """
    conflicts, written, more = Conflicts(), set[str](), Counter[str]()
    for entry in entries:
        if entry.target in context.left:  # its earlier entries would be held against what was left
            context.leave(entry)
            continue
        found = covered.reversal(context, entry)
        if found is None:
            continue
        if found.conflicts:
            conflicts.add(found.conflicts)
            context.leave(entry, found.conflicts)
            continue
        try:
            found.write()
        except Problem as problem:  # a unique value of several fields, or of a kind that has no field for it
            if problem.code != "already_exists":
                raise
            wrong = {f"{entry.target}.{name}": what for name, what in problem.fields.items()}
            conflicts.add(wrong)
            context.leave(entry, wrong)
            continue
        written.add(entry.target)
        more.update({found.more[0]: found.more[1]} if found.more[1] else {})
    conflicts.check()
    return written, more


def told(operation: str, records: int, left: Sequence[str] = (), left_more: int = 0) -> Result:
    """Return the answer to an undo that wrote so many records.

    `left` are some of those that others changed while it ran, of `left_more` more.
    """
    message = f"undone {operation} ({records} record{'' if records == 1 else 's'})"
    if not left:
        return Result(message, {"count": records})
    more = f" and {left_more} more" if left_more else ""
    note = f"left as they are, since they changed meanwhile: {', '.join(left)}{more}"
    return Result(message, {"count": records, "left": list(left)}, (note,))
