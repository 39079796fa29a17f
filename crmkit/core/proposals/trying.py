"""What a write changes, as the log tells it: independent of under which new ids and by whom it is written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from crmkit.core.requests.keyed import SCOPE
from crmkit.errors import Problem
from crmkit.model.record import REACHED, Kinds
from crmkit.storage.interface.tx import Tx, Unit
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import entries
from crmkit.storage.proposals.proposal import Change

T = TypeVar("T")

NEW = "new"  # and a number stand for an id, NEXT for a code that the write gives
NEXT = "next"


class Tried(Struct, Generic[T], frozen=True):
    """What a unit returned and what it changed; `says` are the sentences that a confirm token would be asked for with.

    `needs` are the scopes of what it wrote beside the record that its request is about. `position` is the number of the
    newest entry of the log before.
    """

    value: T
    changes: Sequence[Change]
    says: Sequence[str]
    needs: Sequence[str]
    position: int


class _TakenBack(Exception):
    def __init__(self, found: Tried[Any]) -> None:
        super().__init__()
        self.found = found


def taken_back(tx: Tx, unit: Unit[T], kinds: Kinds, proposed_at: str) -> Tried[T]:
    """Return what a unit does, none of which stays; raises what it raises (see `done`)."""

    def tried(tx: Tx) -> None:
        raise _TakenBack(done(tx, unit, kinds, proposed_at))

    try:
        tx.attempt(tried)
    except _TakenBack as taken:
        return taken.found
    raise TypeError("a trial raises what it found")


def done(tx: Tx, unit: Unit[T | Problem], kinds: Kinds, proposed_at: str) -> Tried[T]:
    """Do a unit that needs no confirm token, since somebody is shown what it changes, and return what that is.

    Times that nobody sent are those of when it was proposed. A Problem that the unit returns is raised.
    """
    workspace, made, rights = Workspace.of(tx.by), tx.made, tx.rights
    tx.made, tx.codes, tx.says, tx.rights, tx.proposed_at = [], set(), [], [], proposed_at
    try:
        position = entries.newest(tx.connection, workspace)
        value = unit(tx)
        if isinstance(value, Problem):
            raise value
        written = entries.after(tx.connection, workspace, position)
        told = _Told(kinds, tx.made, tx.codes)
        needs = [right for place, right in tx.rights if place == SCOPE]
        return Tried(value, [told.change(entry) for entry in written], tx.says, needs, position)
    finally:
        if made is not None:
            made += tx.made
        if rights is not None:
            rights += tx.rights
        tx.made, tx.codes, tx.says, tx.rights, tx.proposed_at = made, None, None, rights, ""


class _Told:
    """Entries of the log, without what differs each time the same is written."""

    def __init__(self, kinds: Kinds, made: Iterable[str], codes: set[tuple[str, str]]) -> None:
        self._kinds = kinds
        self._words = dict[str, str]()
        self._made = {*made}
        self._written: set[str] = set()  # targets so far
        self._codes = codes

    def change(self, entry: entries.Entry) -> Change:
        noun, _, id = entry.target.partition("/")
        kind = self._kinds.by_word.get(noun)
        number = kind.numbered.name if kind and kind.numbered and entry.verb == "create" else ""
        is_own = entry.target in self._written  # else what stood there is told as it was
        self._written.add(entry.target)
        changes = {
            name: [
                self._value(old) if is_own else old,
                NEXT if name == number and (noun, new) in self._codes else self._value(new),
            ]
            for name, (old, new) in entry.changes.items()
            if name != REACHED
        }
        return Change(entry.action, f"{noun}/{self._text(id)}", changes)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {name: self._value(each) for name, each in value.items()}
        return [*map(self._value, value)] if isinstance(value, list) else value

    def _text(self, text: str) -> str:
        if text in self._made and text not in self._words:
            self._words[text] = f"{NEW}{len(self._made & self._words.keys()) + 1}"
        return self._words.get(text, text)
