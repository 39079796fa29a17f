"""The columns of a kind's table, by its declaration: what they hold, how a row is selected. SQL names are quoted."""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

import msgspec

from crmkit.model.fields import Flag
from crmkit.model.form import DERIVED, Field
from crmkit.model.record import Kind, Record
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.tx import Tx

_encode = msgspec.json.encode

# what every change changes, so no audit entry repeats it
_ALWAYS = ("id", "version", "updated_at")
_FILLED_IN = (*_ALWAYS, "created_at", "created_by")  # by `records.put`


def quoted(name: str) -> str:
    """Return a name from a declaration as SQL has it, also one that is a word of SQL.

    In a SELECT or a WHERE it stands behind the name of a table: a database may take an unknown quoted name by itself
    for a text.
    """
    return f'"{name}"'


@cache
def stored(kind: Kind) -> tuple[Field, ...]:
    """Return the fields in the order in which the kind's record class is built."""
    return tuple(kind.by_name[name] for name in kind.members)


@cache
def given_names(kind: Kind) -> tuple[str, ...]:
    """Return the names of the fields that whoever writes a record gives; `records.put` fills in the others."""
    return tuple(field.name for field in stored(kind) if field.name not in _FILLED_IN and DERIVED not in field.marks)


@cache
def derived_defaults(kind: Kind) -> dict[str, Any]:
    """Return the derived fields as a new record has them."""
    return {field.name: field.default for field in stored(kind) if DERIVED in field.marks}


@cache
def logged_names(kind: Kind) -> dict[str, None]:
    """Return the names of the fields whose changes are logged, in the order in which a record is built."""
    return dict.fromkeys(field.name for field in stored(kind) if field.name not in _ALWAYS and not field.derived)


@lru_cache(256)
def packed(dialect: Dialect, kind: Kind, names: tuple[str, ...], table: str = "r") -> str:
    """Return the SELECT list of packed rows: a JSON array of the id and these fields, and the row's number."""
    columns = []
    for field in (kind.by_name[name] for name in ("id", *names)):
        column = f"{table}.{quoted(field.name)}"
        if field.type.structured:
            column = dialect.json_column.format(column)
        elif isinstance(field.type, Flag):
            column = dialect.json_flag.format(column)
        elif field.type.column == "REAL":
            column = dialect.json_real.format(column)
        columns.append(column)
    return f"{dialect.json_array.format(', '.join(columns))} AS row, {table}.seq"


@cache
def whole(dialect: Dialect, kind: Kind) -> str:
    """Return the same of all fields, in the order in which the kind's record class is built."""
    return packed(dialect, kind, kind.members[1:])


@cache
def returned(dialect: Dialect, kind: Kind) -> str:
    """Return `whole` as the RETURNING list of an UPDATE, which knows its table by no other name."""
    return packed(dialect, kind, kind.members[1:], quoted(kind.plural))


def country_of(tx: Tx, record: Record) -> str:
    """Return the country by which a record is read: its own, else that of the workspace, empty for none."""
    return getattr(record, "country", None) or (tx.actor.preferences.country if tx.actor else tx.country)


def columns_of(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that these field values fill: JSON as text, and beside a value what it is compared by."""
    found, forms = {}, _forms(kind)
    for name, value in values.items():
        is_json, beside, key, plain, gist = forms[name]
        found[name] = _encode(value).decode() if is_json and value is not None else value
        if beside:
            found[beside] = key(value)
        if plain:
            without = None if value is None else gist(value, "")
            found[plain] = None if without == found[beside] else without
    return found


def by_country(tx: Tx, kind: Kind, record: Record) -> dict[str, Any]:
    """Return the columns that are filled by what values of a record mean in its country."""
    country = country_of(tx, record) if kind.by_country else ""
    return {field.compared: field.type.key_in(getattr(record, field.name), country) for field in kind.by_country}


@cache
def _forms(kind: Kind) -> dict[str, tuple[bool, str, Callable[[Any], Any], str, Callable[[Any, str], Any]]]:
    """Return, of each field, whether its column holds JSON, and the columns beside it with what gives their content.

    `by_country` gives that of some.
    """
    return {
        field.name: (
            field.type.structured,
            field.compared if field.type.key_column and not field.type.by_country else "",
            field.type.key,
            field.plain if field in kind.accented else "",
            field.type.gist,
        )
        for field in stored(kind)
    }


def table_columns(kind: Kind) -> list[tuple[str, str]]:
    """Return name and SQL type of every column that the kind's declaration asks its table to have."""
    found = [("seq", "INTEGER"), ("workspace_id", "TEXT")]
    for field in stored(kind):
        found.append((field.name, field.type.column))
        if field.type.key_column:
            found.append((field.compared, field.type.key_column))
        if field in kind.accented:
            found.append((field.plain, field.type.key_column))
    return found
