"""What a token needs to take an operation back: the scopes of the reverse writes."""

from collections.abc import Iterator

from crmkit.model.access import WRITE
from crmkit.model.record import Kind, Kinds
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import operations

# by what was done; anything else is written again
_REVERSE = {"create": ("delete",), "restore": ("delete",), "merge": ("write", "delete")}


def check(tx: Tx, kinds: Kinds, first: int) -> None:
    """Raise `scope_required` unless the actor may do the reverse of all that an operation wrote."""
    if not tx.by.access.is_narrow:
        return
    actions = operations.actions(tx.connection, tx.by.workspace_id, first)
    done = [tuple(action.split(".")) for action in actions if not action.startswith("operation.")]
    if [noun for noun, _ in done] == [kinds.dismissal.name]:
        tx.by.access.check(f"{_dismissed(tx, kinds, first).area}.write")
        return
    for noun, verb in done:
        tx.by.access.check(*_needed(kinds, noun, _REVERSE.get(verb, ("write",))))


def _needed(kinds: Kinds, noun: str, verbs: tuple[str, ...]) -> Iterator[str]:
    kind = kinds.by_word.get(noun)
    if kind is kinds.dismissal:  # which follows from a merge
        return
    if kind is not None and kind.is_setting and not kind.is_admins:  # of a list of any kind
        yield WRITE
        return
    # without a kind it is a pipeline, or what no undo covers
    area = "workspace" if kind is None else (kinds.whole.to if kind is kinds.membership else kind).area
    yield from (f"{area}.{verb}" for verb in verbs)


def _dismissed(tx: Tx, kinds: Kinds, first: int) -> Kind:
    """Return the kind of the two records of which an operation says that they are two, or takes that back."""
    (entry,) = operations.newest_first(tx.connection, tx.by.workspace_id, first, 1)
    values = entry.begun or entry.ended or {}
    return kinds.by_prefix[str(values["a"]).partition("_")[0]]
