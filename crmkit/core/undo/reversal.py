"""What taking back one entry of the log comes to: a write, or the conflicts that stand against it."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from msgspec import Struct, field

from crmkit.core.crm import Crm
from crmkit.model.record import Kinds
from crmkit.render.text import value as spelled
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import operations
from crmkit.storage.log.operations import Entry

MAX_SHOWN = 60  # characters of a value


class UndoContext(Struct, frozen=True):
    """Where an operation is taken back; `first` is the number of its first entry.

    Where it `is_dry`, nothing is written, so what the operation wrote later stands, and is not held against its earlier
    entries.
    Of the handles that were `left` because of conflicts, those fields would have been put back.
    """

    tx: Tx
    crm: Crm
    first: int
    is_dry: bool = False
    left: dict[str, set[str]] = field(default_factory=dict)

    @property
    def kinds(self) -> Kinds:
        return self.crm.kinds

    @property
    def workspace_id(self) -> str:
        return self.tx.by.workspace_id

    def differs(self, area: str) -> Callable[[Any, Any], str]:
        """Return what makes the sentence about a field that differs now, of a record of an area."""
        return differs if self.tx.by.access.allows(f"{area}.read") else differs_untold

    def leave(self, entry: Entry, conflicts: Collection[str] = ()) -> None:
        """Note that an entry is not taken back, and what of it would be, but for the conflicts."""
        wrote = entry.begun or entry.ended or entry.changes or ()
        self.left.setdefault(entry.target, set()).update(
            name for name in wrote if f"{entry.target}.{name}" not in conflicts
        )

    def because_of(self, handle: str, name: str, what: str) -> str:
        """Return the sentence on a conflict with a field of another record, empty if it follows from that one's."""
        return "" if name in self.left.get(handle, ()) else what

    def goes_first(self, handle: str) -> bool:
        """Tell whether nothing is written here, and the writes would bring or take a record before what is asked."""
        connection = self.tx.connection
        return self.is_dry and operations.writes(connection, self.workspace_id, self.first, handle)


# why what an entry did cannot be taken back, whatever is done before
ERASED = "was erased, or went with a person who was: nothing is left to bring back"


class Reversal(Struct, frozen=True):
    """`conflicts` say what is wrong with each field or record that they name; without any, `write` takes it back.

    A conflict that follows from another one has no sentence, and is not told.
    `more` is how many records of what kind, by its plural, there are more then, or fewer.
    """

    conflicts: Mapping[str, str] = field(default_factory=dict)
    write: Callable[[], Any] = lambda: None
    more: tuple[str, int] = ("", 0)


def cut(value: Any) -> str:
    """Return a value as a line of text has it, not longer than a sentence bears."""
    shown = "nothing" if value is None else spelled(value)
    return shown if len(shown) <= MAX_SHOWN else shown[:MAX_SHOWN] + "…"


def differs(now: Any, wrote: Any) -> str:
    """Return the sentence about a field that the operation wrote and that differs now."""
    return f"is {cut(now)} now; the operation wrote {cut(wrote)}"


def differs_untold(now: Any, wrote: Any) -> str:
    """Return that a field differs now, without its values, for a token that may not read them."""
    return "is not what the operation wrote"
