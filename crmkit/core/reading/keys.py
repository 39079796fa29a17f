"""Natural keys in filters: looked up before a list is planned."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from crmkit.core import lookup
from crmkit.model.fields import Key, Link
from crmkit.model.form import Field
from crmkit.model.query.filters import Condition, Target
from crmkit.model.record import Kinds
from crmkit.storage.interface.connection import Connection

NOBODY = ""  # the id that no record has


def are_in(conditions: Sequence[Condition]) -> bool:
    """Tell whether a condition has a natural key."""
    return any(isinstance(value, Key) for condition in conditions for value in _values(condition))


def resolved(
    connection: Connection, kinds: Kinds, workspace_id: str, conditions: Sequence[Condition]
) -> tuple[Condition, ...]:
    """Return the conditions with ids (of a Handle: handles) in place of natural keys, NOBODY for what names nothing."""

    def meant(target: Target, value: Any) -> Any:
        if not isinstance(value, Key):
            return value
        link = target.type if isinstance(target, Field) and isinstance(target.type, Link) else None
        for prefix in [prefix for prefix, *_ in value.readings] if link is None else [link.prefix]:
            record = lookup.find(connection, kinds.by_prefix[prefix], workspace_id, value)
            if record is not None:
                return record.handle if link is None else record.id
        return NOBODY

    def of(condition: Condition) -> Condition:
        found = tuple(meant(condition.target, value) for value in _values(condition))
        return replace(condition, value=found if isinstance(condition.value, tuple) else found[0])

    return tuple(of(each) if are_in((each,)) else each for each in conditions)


def _values(condition: Condition) -> Iterator[Any]:
    yield from condition.value if isinstance(condition.value, tuple) else (condition.value,)
