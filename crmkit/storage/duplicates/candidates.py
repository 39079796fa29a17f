"""Which live records may be the same as one: a look by the indexes of the fields that its kind's rules name.

A look reads at most MOST records of one value, so it costs the same however many share it.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from crmkit.model.fields.base import Span
from crmkit.model.form import Field
from crmkit.model.record import Alike, Kind, Record
from crmkit.storage import records
from crmkit.storage.columns import quoted
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.tx import Tx

MOST = 50

Gists = Mapping[str, Any]  # of fields, by their names (see FieldType.gist)
IsFree = Callable[[Kind, str, Any, bool, str], bool]


def find(
    tx: Tx,
    kind: Kind,
    workspace_id: str,
    gists: Gists,
    besides: str = "",
    held: str = "",
    is_free: IsFree = lambda *_: False,
) -> list[Record]:
    """Return the live records that may agree with these gists by a rule of the kind, without the one with this id.

    What is `held` is a value of a unique field that equals its gist: no other record has it. `is_free` tells that it is
    known that no record has a gist, or is near it.
    """
    sql, looks = _looks(tx.database.dialect, kind, tuple(gists), held)
    known = [is_free(kind, field, gists[field], near is not None, besides) for field, near, _ in looks]
    if all(known):
        return []
    args: list[Any] = []
    for field, near, others in looks:
        gist = gists[field]
        if near is None:
            args += (workspace_id, gist, MOST, besides)
        else:
            args += (workspace_id, *(near(gist) or ()), MOST, besides)
        for name in others:
            args.append(gists[name])
    connection = tx.connection
    ids = connection.execute(sql, tuple(args)).fetchall()
    return list(records.all_of(connection, kind, workspace_id, list({id for (id,) in ids})).values()) if ids else []


# by which field, the span near its gist or None for what equals it, the other fields that its rules compare
_Look = tuple[str, Callable[[Any], Span | None] | None, tuple[str, ...]]


@lru_cache(256)
def _looks(dialect: Dialect, kind: Kind, filled: tuple[str, ...], held: str) -> tuple[str, list[_Look]]:
    """Return the statement that finds ids by the rules whose fields are filled, and what is bound in it."""
    by_first: dict[str, list[Alike]] = {}
    for rule in kind.alike:
        if set(rule.same) <= set(filled):
            by_first.setdefault(rule.same[0], []).append(rule)
    parts: list[str] = []
    looks: list[_Look] = []
    for first, rules in by_first.items():
        others = tuple(name for rule in rules for name in rule.same[1:])
        field = kind.by_name[first]
        for column in columns_of_gist(kind, field) if first != held else ():
            parts.append(_part(dialect, kind, f"{column} = ?", rules))
            looks.append((first, None, others))
        near, column = field.type.near, f"r.{quoted(field.compared)}"
        if near("") is not None:
            parts.append(_part(dialect, kind, f"{column} >= ? AND {column} < ?", rules))
            looks.append((first, near, others))
    return " UNION ALL ".join(parts), looks


def columns_of_gist(kind: Kind, field: Field) -> tuple[str, ...]:
    """Return the columns of which one equals the gist of a value; the last of them that is filled does."""
    names = (field.compared, field.plain) if field in kind.accented else (field.compared,)
    return tuple(f"r.{quoted(name)}" for name in names)


def _part(dialect: Dialect, kind: Kind, near: str, rules: list[Alike]) -> str:
    columns = []
    for name in dict.fromkeys(name for rule in rules for name in rule.same[1:]):
        gist, *beside = columns_of_gist(kind, kind.by_name[name])
        columns.append(f"{f'coalesce({beside[0]}, {gist})' if beside else gist} AS {quoted(name)}")
    agree = [" AND ".join(f"q.{quoted(name)} = ?" for name in rule.same[1:]) for rule in rules]
    filter = f" AND ({' OR '.join(agree)})" if all(agree) else ""
    rows = (
        f"SELECT {', '.join(('r.id', *columns))} FROM {quoted(kind.plural)} AS r "
        f"WHERE r.workspace_id = ? AND {near} {dialect.limit}"
    )
    return f"SELECT q.id FROM ({rows}) AS q WHERE q.id <> ?{filter}"
