"""Values that no record of the workspace has: looked up for many new records at once, so that each need not ask again.

It is known within one unit (`Tx.free`), until that writes anything else than new records, or takes something back. The
value of a unique field is free until a record is written that has it, whoever gave it; another value is free for the
first record that asks, which has it since a moment ago.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from crmkit.model.fields.base import Span
from crmkit.model.form import Field
from crmkit.model.record import Kind, Record
from crmkit.storage.columns import quoted
from crmkit.storage.duplicates.candidates import columns_of_gist
from crmkit.storage.interface.tx import Tx

_encode = msgspec.json.encode
_UNKNOWN: dict[Any, str] = {}

UNIQUE, EQUAL, NEAR = "unique", "equal", "near"  # what is known: who has a value, a gist, a value near a gist


def look(tx: Tx, kind: Kind, many: Sequence[Mapping[str, Any]]) -> None:
    """Note which values of new records of a kind no record has yet, of those by which others are looked up."""
    for name, others in _asked(kind).items():
        field = kind.by_name[name]
        sent = [
            (values[name], values.get("country") or tx.by.preferences.country)
            for values in many
            if values.get(name) is not None and (not others or any(values.get(other) is not None for other in others))
        ]
        if not sent:
            continue
        gists = {field.type.gist(value, country) for value, country in sent} - {None}
        compared, *beside = columns_of_gist(kind, field)
        unheld = _unheld(tx, kind, compared, gists.union(_key(field, *each) for each in sent))
        tx.free[UNIQUE, kind.plural, name] = dict.fromkeys(unheld, "")
        free = gists & unheld
        for column in beside:
            free = _unheld(tx, kind, column, free)
        tx.free[EQUAL, kind.plural, name] = dict.fromkeys(free, "")
        spans = {gist: span for gist in gists if (span := field.type.near(gist)) is not None}
        if spans:
            lows = _empty(tx, kind, field, spans.values())
            tx.free[NEAR, kind.plural, name] = {gist: "" for gist, (low, _) in spans.items() if low in lows}


def has(tx: Tx, kind: Kind, name: str, gist: Any, near: bool, id: str) -> bool:
    """Tell whether it is known that at most the record with this id has a gist, or a value `near` it."""
    free = tx.free.get((NEAR if near else EQUAL, kind.plural, name), _UNKNOWN)
    if free.get(gist) == "":
        free[gist] = id
    return free.get(gist) == id


def is_new(tx: Tx, kind: Kind, name: str, value: Any) -> bool:
    """Tell whether it is known that no record has this value of a unique field."""
    free = tx.free.get((UNIQUE, kind.plural, name))
    return free is not None and _key(kind.by_name[name], value, "") in free


def taken(tx: Tx, kind: Kind, record: Record) -> None:
    """Note that a new record has its values of unique fields, those too that rules gave it."""
    for name in kind.merges_by:
        free = tx.free.get((UNIQUE, kind.plural, name))
        if free and (value := getattr(record, name)) is not None:
            free.pop(_key(kind.by_name[name], value, ""), None)


@cache
def _asked(kind: Kind) -> dict[str, tuple[str, ...]]:
    """Return the fields by which other records are looked up when one is created.

    With each goes of what else the record has something if it is looked up by that field.
    """
    found = {rule.same[0]: rule.same[1:] for rule in reversed(kind.alike)}
    for rule in kind.alike:
        first, *others = rule.same
        found[first] = (*found[first], *others) if found[first] and others else ()
    return found | dict.fromkeys(kind.merges_by, ())


def _key(field: Field, value: Any, country: str) -> Any:
    """Return what the column holds that is compared."""
    return field.type.key_in(value, country) if field.type.key_column else value


def _unheld(tx: Tx, kind: Kind, column: str, keys: Iterable[Any]) -> set[Any]:
    """Return those of these values that no row has in a column of `r`."""
    connection = tx.connection
    rows = connection.execute(
        f"SELECT v.value FROM ({connection.dialect.texts}) AS v WHERE NOT EXISTS "
        f"(SELECT 1 FROM {quoted(kind.plural)} AS r WHERE r.workspace_id = ? AND {column} = v.value)",
        (_encode([*keys]).decode(), tx.by.workspace_id),
    )
    return {value for (value,) in rows.fetchall()}


def _empty(tx: Tx, kind: Kind, field: Field, spans: Iterable[Span]) -> set[Any]:
    """Return where those of these spans begin in which no row has its value."""
    connection, column = tx.connection, f"r.{quoted(field.compared)}"
    rows = connection.execute(
        f"SELECT s.low FROM ({connection.dialect.spans}) AS s WHERE NOT EXISTS (SELECT 1 FROM {quoted(kind.plural)} "
        f"AS r WHERE r.workspace_id = ? AND {column} >= s.low AND {column} < s.high)",
        (_encode([*spans]).decode(), tx.by.workspace_id),
    )
    return {low for (low,) in rows.fetchall()}
