"""What ids and natural keys in filters stand for: looked up before a list is planned."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from crmkit.core import lookup
from crmkit.model.actor import Actor
from crmkit.model.fields import Key, Link
from crmkit.model.form import Field
from crmkit.model.query import groups
from crmkit.model.query.filters import Condition
from crmkit.model.query.groups import Criterion
from crmkit.model.record import Kinds
from crmkit.storage import deleted
from crmkit.storage.interface.connection import Connection

NOBODY = ""  # the id that no record has
MAX_NOTES = 5


def are_in(filters: Iterable[Criterion]) -> bool:
    """Tell whether a condition has a natural key."""
    return any(isinstance(value, Key) for condition in groups.flat(filters) for value in _values(condition))


def resolved(
    connection: Connection, kinds: Kinds, by: Actor, filters: Sequence[Criterion]
) -> tuple[tuple[Criterion, ...], tuple[str, ...]]:
    """Return the filters with ids (of a Handle: handles) in place of natural keys, NOBODY for what names nothing.

    A Handle's key may name a record of each of several kinds: all are meant. The second value has a note for each key
    that was to be found and names nothing. Raises `scope_required` for a key of a kind that the token does not read.
    """
    notes: dict[str, None] = {}

    def meant(condition: Condition, value: Any) -> list[Any]:
        if not isinstance(value, Key):
            return [value]
        target = condition.target
        link = target.type if isinstance(target, Field) and isinstance(target.type, Link) else None
        prefixes = dict.fromkeys(prefix for prefix, *_ in value.readings) if link is None else [link.prefix]
        among = [kinds.by_prefix[prefix] for prefix in prefixes]
        found = [record for kind in among if (record := lookup.find(connection, kind, by, value))]
        if not found and condition.operator in ("eq", "in"):
            notes[lookup.nothing(among, value)] = None
        return [record.handle if link is None else record.id for record in found] or [NOBODY]

    def of(condition: Condition) -> Iterator[Condition]:
        if not are_in((condition,)):
            yield condition
            return
        found = tuple(each for value in _values(condition) for each in meant(condition, value))
        if isinstance(condition.value, tuple):
            yield replace(condition, value=found)
        elif condition.operator == "eq" and len(found) > 1:
            yield replace(condition, operator="in", value=found)
        else:
            yield from (replace(condition, value=value) for value in found)

    return groups.replaced(filters, of), tuple(notes)[:MAX_NOTES]


def followed(
    connection: Connection, kinds: Kinds, workspace_id: str, filters: Sequence[Criterion]
) -> tuple[tuple[Criterion, ...], tuple[str, ...]]:
    """Return the filters with the ids at which merged ones arrive in their place, and a note of each.

    It is one look by key at the ids of kinds whose records are merged, none where no filter has one.
    """
    named = [
        id for each in groups.flat(filters) if _is_mergeable(kinds, each) for id in _values(each) if isinstance(id, str)
    ]
    into = deleted.successors(connection, workspace_id, named) if named else {}
    if not into:
        return tuple(filters), ()

    def of(condition: Condition) -> tuple[Condition]:
        if not _is_mergeable(kinds, condition):
            return (condition,)
        found = tuple(dict.fromkeys(into.get(value, value) for value in _values(condition)))
        return (replace(condition, value=found if isinstance(condition.value, tuple) else found[0]),)

    notes = tuple(f"{id} was merged into {other}" for id, other in into.items())
    return groups.replaced(filters, of), notes[:MAX_NOTES]


def _is_mergeable(kinds: Kinds, condition: Condition) -> bool:
    """Tell whether the values of a condition are ids of a kind whose records are merged."""
    target = condition.target
    return (
        isinstance(target, Field) and isinstance(target.type, Link) and kinds.by_prefix[target.type.prefix].is_mergeable
    )


def _values(condition: Condition) -> Iterator[Any]:
    yield from condition.value if isinstance(condition.value, tuple) else (condition.value,)
