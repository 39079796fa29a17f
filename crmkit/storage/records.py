"""Records in and out of their tables. Every write leaves its audit row, its count and its search text with it."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec

from crmkit import ids
from crmkit.errors import Problem
from crmkit.model.record import Kind, Record
from crmkit.storage import audit, sequence
from crmkit.storage.columns import quoted, returned, stored, table_columns, whole
from crmkit.storage.interface.connection import Connection, Rows
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.tx import Tx

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(list[Any]).decode

# what every change changes, so no audit entry repeats it
_ALWAYS = ("id", "version", "updated_at")


def fetch(connection: Connection, kind: Kind, workspace_id: str, id: str) -> Record | None:
    """Return the live record with this id, or None."""
    return find(connection, kind, workspace_id, "id", id)


def find(connection: Connection, kind: Kind, workspace_id: str, name: str, value: Any) -> Record | None:
    """Return the one live record whose unique field `name` has this stored value, or None."""
    row = connection.execute(
        _find_sql(connection.dialect, kind, kind.by_name[name].name), (workspace_id, value)
    ).fetchone()
    return None if row is None else shown(kind, row[0])


def was_deleted(connection: Connection, workspace_id: str, id: str) -> str | None:
    """Return when the record with this id was deleted, or None when there never was one here."""
    row = connection.execute("SELECT at FROM deleted WHERE workspace_id = ? AND id = ?", (workspace_id, id)).fetchone()
    return None if row is None else row[0]


def shown(kind: Kind, packed: str) -> Record:
    """Return the record of a row that was selected as the `whole` of it."""
    return kind.build(*_decode(packed))


def insert(tx: Tx, kind: Kind, values: Mapping[str, Any]) -> Record:
    """Return the new record with the writable `values`; the server's own fields are filled in here.

    Raises `already_exists` when a unique value is taken.
    """
    fresh = {name: value for name, value in values.items() if value is not None} | _stamps(tx, kind)
    filled = _blank(kind) | fresh
    seq, filled["id"] = _inserted(tx, kind, _blank_columns(kind) | _columns_of(kind, fresh))
    record = kind.build(*filled.values())
    _count(tx, kind, 1)
    _queue(tx, kind, ((seq, record),))
    audit.append(tx, f"{kind.name}.create", record.handle, _diff(kind, dict.fromkeys(filled), filled))
    return record


def update(tx: Tx, kind: Kind, before: Record, values: Mapping[str, Any]) -> Record:
    """Return the record with `values` over `before`; unchanged values write nothing and keep the version.

    Only changed columns are written. `updated_at` never falls, though the clock may have been set back. Raises
    `already_exists` when a unique value is taken.
    """
    changed = {name: value for name, value in values.items() if getattr(before, name) != value}
    if not changed:
        return before
    updated_at = max(tx.now, before.updated_at)  # type: ignore[attr-defined]
    after = {**changed, "version": before.version + 1, "updated_at": updated_at}  # type: ignore[attr-defined]
    columns_changed = _columns_of(kind, after)
    names = ", ".join(f"{quoted(name)} = ?" for name in columns_changed)
    sql = f"UPDATE {quoted(kind.plural)} SET {names} WHERE workspace_id = ? AND id = ? RETURNING seq"
    (seq,) = _guarded(tx, sql, (*columns_changed.values(), tx.by.workspace_id, before.id)).fetchone()
    record = msgspec.structs.replace(before, **after)
    _queue(tx, kind, ((seq, record),))
    audit.append(tx, f"{kind.name}.update", record.handle, _diff(kind, _values(kind, before), changed))
    return record


def remove(tx: Tx, kind: Kind, before: Record) -> None:
    """Delete the record; its id stays known as deleted, so that it is never given out again."""
    key = (tx.by.workspace_id, before.id)
    sql = f"DELETE FROM {quoted(kind.plural)} WHERE workspace_id = ? AND id = ? RETURNING seq"
    (seq,) = _guarded(tx, sql, key).fetchone()
    tx.connection.execute("INSERT INTO deleted (workspace_id, id, at) VALUES (?, ?, ?)", (*key, tx.now))
    _count(tx, kind, -1)
    _queue(tx, kind, ((seq, None),))
    values = _values(kind, before)
    audit.append(tx, f"{kind.name}.delete", before.handle, _diff(kind, values, dict.fromkeys(values)))


def linked(connection: Connection, kind: Kind, workspace_id: str, link: str, id: str) -> list[Record]:
    """Return the live records whose field `link` leads to the record with this id."""
    sql = _find_sql(connection.dialect, kind, kind.by_name[link].name)
    rows = connection.execute(sql, (workspace_id, id)).fetchall()
    return [shown(kind, packed) for packed, _ in rows]


def restate(tx: Tx, kind: Kind, link: str, id: str, values: Mapping[str, Any]) -> None:
    """Write fields that only repeat what a record says, on all that `link` to it: no version, no audit entry."""
    _queue(tx, kind, _write_linked(tx, kind, link, id, _columns_of(kind, values)))


def unlink(tx: Tx, kind: Kind, link: str, id: str, name: str) -> None:
    """Empty `link`, and `name` that repeats a title beside it, on all records that link to this id.

    That is a change of each of them, with version and audit entry.
    """
    emptied = _columns_of(kind, {link: None, name: None})
    stamped = ", version = version + 1, updated_at = CASE WHEN updated_at < ? THEN ? ELSE updated_at END"
    found = _write_linked(tx, kind, link, id, emptied, stamped, (tx.now, tx.now))
    _queue(tx, kind, found)
    audit.append_all(tx, f"{kind.name}.update", (record.handle for _, record in found), {link: [id, None]})


def _write_linked(
    tx: Tx,
    kind: Kind,
    link: str,
    id: str,
    written: Mapping[str, Any],
    more: str = "",
    more_args: tuple[Any, ...] = (),
) -> list[tuple[int, Record]]:
    """Write columns, and what `more` of the statement sets, of all records that `link` to this id.

    Return each row's number and the record it holds now.
    """
    table, names = quoted(kind.plural), ", ".join(f"{quoted(name)} = ?" for name in written)
    rows = tx.connection.execute(
        f"UPDATE {table} SET {names}{more} WHERE workspace_id = ? AND {table}.{quoted(kind.by_name[link].name)} = ? "
        f"RETURNING {returned(tx.connection.dialect, kind)}",
        (*written.values(), *more_args, tx.by.workspace_id, id),
    ).fetchall()
    return [(seq, shown(kind, packed)) for packed, seq in rows]


def live(connection: Connection, workspace_id: str, name: str) -> int:
    """Return how many live records of the kind called `name` (plural) the workspace has."""
    row = connection.execute(
        "SELECT live FROM counts WHERE workspace_id = ? AND kind = ?", (workspace_id, name)
    ).fetchone()
    return 0 if row is None else row[0]


def _values(kind: Kind, record: Record) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in stored(kind)}


def _diff(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return [old, new] of every field that differs, without those that follow from others."""
    logged = _logged(kind)
    return {name: [before[name], value] for name, value in after.items() if before[name] != value and name in logged}


def _count(tx: Tx, kind: Kind, by: int) -> None:
    tx.connection.execute(
        "INSERT INTO counts (workspace_id, kind, live) VALUES (?, ?, ?) "
        "ON CONFLICT (workspace_id, kind) DO UPDATE SET live = counts.live + excluded.live",
        (tx.by.workspace_id, kind.plural, by),
    )


def _inserted(tx: Tx, kind: Kind, filled: dict[str, Any]) -> tuple[int, str]:
    """Write a new row of the `filled` columns and return its number and its id, which no record here has or had."""
    seq, workspace, start = sequence.take(tx, kind.plural), tx.by.workspace_id, tx.known.start
    while True:
        id = filled["id"] = ids.mint(kind.prefix, start)
        if _guarded(tx, _insert_sql(kind), (seq, workspace, *filled.values(), workspace, id)).rowcount:
            return seq, id
        start = ""  # this prefix may be nearly used up: draw a fresh one


def _queue(tx: Tx, kind: Kind, rows: Iterable[tuple[int, Record | None]]) -> None:
    if kind.is_searched:
        tx.connection.texts.queue(tx, kind, rows)


def _guarded(tx: Tx, sql: str, args: tuple[Any, ...]) -> Rows:
    """Execute a statement; raises `already_exists` when a unique value is taken."""
    try:
        return tx.connection.execute(sql, args)
    except Exception as error:
        name = tx.connection.dialect.taken(error)
        if name is None:
            raise
        raise Problem(
            "already_exists",
            f"Another record has that {name}: look it up and change that one.",
            fields={name: "is taken"},
        ) from None


def _columns_of(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that these field values fill: JSON as text, folded fields with their key beside them."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        field = kind.by_name[name]
        found[name] = _encode(value).decode() if field.type.structured and value is not None else value
        if field.type.folded:
            found[field.compared] = field.type.key(value)
    return found


@cache
def _find_sql(dialect: Dialect, kind: Kind, name: str) -> str:
    scope = f"r.workspace_id = ? AND r.{quoted(name)} = ?"
    return f"SELECT {whole(dialect, kind)} FROM {quoted(kind.plural)} AS r WHERE {scope}"


@cache
def _insert_sql(kind: Kind) -> str:
    """Return the statement that inserts nothing when the id is taken, or was ever.

    Numbers are cast, since a database may take what is bound in a SELECT for text.
    """
    types = {"seq": "INTEGER", **dict(table_columns(kind))}
    names = ["seq", "workspace_id", *_blank_columns(kind)]
    values = ", ".join("CAST(? AS bigint)" if types[name] == "INTEGER" else "?" for name in names)
    return (
        f"INSERT INTO {quoted(kind.plural)} ({', '.join(map(quoted, names))}) SELECT {values} "
        "WHERE NOT EXISTS (SELECT 1 FROM deleted WHERE workspace_id = ? AND id = ?) "
        "ON CONFLICT (workspace_id, id) DO NOTHING"
    )


@cache
def _blank(kind: Kind) -> dict[str, Any]:
    """Return the fields of a new record to which nothing was given, in the order in which it is built."""
    first = {"version": 1, "activities": 0}
    return {field.name: first.get(field.name, field.default) for field in stored(kind)}


@cache
def _blank_columns(kind: Kind) -> dict[str, Any]:
    return _columns_of(kind, _blank(kind))


def _stamps(tx: Tx, kind: Kind) -> dict[str, Any]:
    """Return when the record is made and by whom, as far as its kind tells."""
    stamps = {"created_at": tx.now, "updated_at": tx.now, "created_by": tx.by.email}
    return {name: value for name, value in stamps.items() if name in kind.by_name}


@cache
def _logged(kind: Kind) -> frozenset[str]:
    """Return the names of the fields whose changes are logged: not those that follow from others."""
    return frozenset(field.name for field in stored(kind) if field.name not in _ALWAYS and not field.name_of)
