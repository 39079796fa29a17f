"""Records in and out of their tables.

`put`, `touch`, `relink` and `remove_linked` write what is logged, and leave audit entries, counts, search texts, values
of declared keys, scores and sums of what is open with it. `restate` and `add` write copies of titles and counts, which
are not logged.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, overload

import msgspec
from msgspec import Struct

from crmkit.errors import Problem
from crmkit.model.record import REACHED, SCORE, Kind, Record, Tracked
from crmkit.storage import deleted, sequence
from crmkit.storage.columns import (
    by_country,
    columns_of,
    derived_defaults,
    given_names,
    logged_names,
    quoted,
    returned,
    whole,
)
from crmkit.storage.custom import values as custom_values
from crmkit.storage.derived import open_sums
from crmkit.storage.duplicates import free
from crmkit.storage.interface.connection import Connection, Rows
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.storage.scoring import scores

_decode = msgspec.json.Decoder(list[Any]).decode


def fetch(connection: Connection, kind: Kind, workspace_id: str, id: str) -> Record | None:
    """Return the live record with this id, or None."""
    return find(connection, kind, workspace_id, "id", id)


def find(connection: Connection, kind: Kind, workspace_id: str, name: str, value: Any) -> Record | None:
    """Return the one live record whose unique field `name` has this stored value, or None."""
    field = kind.by_name[name]
    key = field.type.key(value) if field.type.key_column else value
    row = connection.execute(_find_sql(connection.dialect, kind, field.compared), (workspace_id, key)).fetchone()
    return None if row is None else shown(kind, row[0])


def find_by(connection: Connection, kind: Kind, workspace_id: str, values: Mapping[str, Any]) -> Record | None:
    """Return the one live record in which each of these links and exact texts has this value, or None."""
    scope = " AND ".join(f"r.{quoted(kind.by_name[name].name)} = ?" for name in values)
    sql = (
        f"SELECT {whole(connection.dialect, kind)} FROM {quoted(kind.plural)} AS r WHERE r.workspace_id = ? AND {scope}"
    )
    row = connection.execute(sql, (workspace_id, *values.values())).fetchone()
    return None if row is None else shown(kind, row[0])


def shown(kind: Kind, packed: str) -> Record:
    """Return the record of a row that was selected as the `whole` of it."""
    return kind.build(*_decode(packed))


@overload
def put(tx: Tx, kind: Kind, before: Record | None, after: Record) -> Record: ...
@overload
def put(tx: Tx, kind: Kind, before: Record, after: None, merged_into: str = "") -> None: ...
@overload
def put(tx: Tx, kind: Kind, before: Record | None, after: Record | None, merged_into: str = "") -> Record | None: ...
def put(tx: Tx, kind: Kind, before: Record | None, after: Record | None, merged_into: str = "") -> Record | None:
    """Write `after` in place of `before` and return the record as it is then.

    What is logged is written by this, or on many records at once by `relink` and `remove_linked`; what is not, also by
    `restate`, `add` and by `derived`.

    Without `before` the record is new: created under a fresh id, or restored under the id that it had, from where its
    version goes on. Without `after` it is deleted, and its id stays known, with that of the record that it was
    `merged_into`, if any. Else the fields that differ are written; if none does, nothing is, and the version stays.

    Version, times, author and counts are filled in here, whatever `after` holds. `updated_at` never falls, though the
    clock may have been set back. Raises `already_exists` when a unique value is taken, and LookupError for an id that
    is to be restored and was not deleted. Within `tx.gathering` a new record is written later, and a value that is
    taken is a RuntimeError then: whoever gathers has looked its values up. Derived fields are not logged; core's
    `put_and_follow` writes those of others.
    """
    if before is None:
        if after is None:
            raise ValueError("there is neither a record that was nor one that is to be")
        return _created(tx, kind, after)
    written = _deleted(tx, kind, before, merged_into) if after is None else _changed(tx, kind, before, after)
    if written is None:
        return before
    verb, seq, record, changes = written
    if after is None:
        _count(tx, kind, -1)
        scores.forget(tx, kind, (before.id,))
    left = None if after is None else record
    _queue(tx, kind, ((seq, left),))
    custom_values.follow(tx, kind, seq, before, left)
    open_sums.follow(tx, kind, before, left)
    tx.free.clear()
    audit.append(tx, f"{kind.name}.{verb}", record.handle, changes, version_of(record))
    return None if left is None else scores.follow(tx, kind, left)


def touch(tx: Tx, kind: Kind, record: Tracked, changes: Mapping[str, Any]) -> None:
    """Give a record a new version, and log changes of what is kept beside its fields."""
    version, updated_at = record.version + 1, max(tx.now, record.updated_at)
    sql = f"UPDATE {quoted(kind.plural)} SET version = ?, updated_at = ? WHERE workspace_id = ? AND id = ?"
    tx.connection.execute(sql, (version, updated_at, tx.by.workspace_id, record.id))
    audit.append(tx, f"{kind.name}.update", record.handle, changes, version)


def all_of(connection: Connection, kind: Kind, workspace_id: str, ids: Sequence[str]) -> dict[str, Record]:
    """Return the live records with these ids, each by its id."""
    if not ids:
        return {}
    scope = f"r.workspace_id = ? AND r.id IN ({', '.join('?' * len(ids))})"
    sql = f"SELECT {whole(connection.dialect, kind)} FROM {quoted(kind.plural)} AS r WHERE {scope}"
    found = [shown(kind, packed) for packed, _ in connection.execute(sql, (workspace_id, *ids)).fetchall()]
    return {record.id: record for record in found}


def linked(connection: Connection, kind: Kind, workspace_id: str, link: str, id: str) -> list[Record]:
    """Return the live records whose field `link` leads to the record with this id."""
    sql = _find_sql(connection.dialect, kind, kind.by_name[link].name)
    rows = connection.execute(sql, (workspace_id, id)).fetchall()
    return [shown(kind, packed) for packed, _ in rows]


def restate(tx: Tx, kind: Kind, link: str, id: str, values: Mapping[str, Any]) -> None:
    """Write derived fields on all records that `link` to this id: no version, no audit entry."""
    found = _write_linked(tx, kind, link, id, columns_of(kind, values))
    follow_country(tx, kind, found)
    for _, record in found:
        scores.follow(tx, kind, record)


def follow_country(tx: Tx, kind: Kind, rows: Sequence[tuple[int, Record]]) -> None:
    """Write what values of these rows' records mean in their country, and queue their texts."""
    changed = [(*by_country(tx, kind, record).values(), seq) for seq, record in rows] if kind.by_country else []
    if changed:
        names = ", ".join(f"{quoted(field.compared)} = ?" for field in kind.by_country)
        tx.connection.executemany(f"UPDATE {quoted(kind.plural)} SET {names} WHERE seq = ?", changed)
    _queue(tx, kind, rows)


def add(tx: Tx, kind: Kind, id: str, steps: Mapping[str, int]) -> None:
    """Add to derived numbers of a record, by their names, if it is still there: no version, no audit entry."""
    added = ", ".join(f"{quoted(name)} = {quoted(name)} + ?" for name in steps)
    sql = f"UPDATE {quoted(kind.plural)} SET {added} WHERE workspace_id = ? AND id = ?"
    tx.connection.execute(sql, (*steps.values(), tx.by.workspace_id, id))


def relink(tx: Tx, kind: Kind, link: str, id: str, to: str | None, title: str | None = None) -> list[Record]:
    """Have `link` lead `to` another record, or nowhere, on all records that link to this id; return them as they are.

    `title` is that of the other record, for the copy beside the link. It is the same as a `put` of each, in one
    statement: each has an audit entry, and a version that goes up by one.
    """
    written = columns_of(kind, {link: to} | {field.name: title for field in kind.fields if field.name_of == link})
    stamped = ", version = version + 1, updated_at = CASE WHEN updated_at < ? THEN ? ELSE updated_at END"
    more = (stamped, (tx.now, tx.now)) if issubclass(kind.record, Tracked) else ()
    found = _write_linked(tx, kind, link, id, written, *more)
    follow_country(tx, kind, found)
    custom_values.follow_all(tx, kind, found)
    targets = ((record.handle, version_of(record)) for _, record in found)
    audit.append_all(tx, f"{kind.name}.update", targets, {link: [id, to]})
    return [scores.follow(tx, kind, record) for _, record in found]


def remove_linked(tx: Tx, kind: Kind, link: str, id: str) -> list[Record]:
    """Delete all records that `link` to this id, and return what they were.

    It is the same as a `put` of each without `after`, with one statement for all rows.
    """
    table = quoted(kind.plural)
    rows = tx.connection.execute(
        f"DELETE FROM {table} WHERE workspace_id = ? AND {table}.{quoted(kind.by_name[link].name)} = ? "
        f"RETURNING {returned(tx.connection.dialect, kind)}",
        (tx.by.workspace_id, id),
    ).fetchall()
    gone = _in_order(kind, rows)
    if not gone:
        return []
    ids = [record.id for _, record in gone]
    deleted.add(tx, ids)
    scores.forget(tx, kind, ids)
    _count(tx, kind, -len(gone))
    _queue(tx, kind, ((seq, None) for seq, _ in gone))
    for seq, record in gone:
        custom_values.follow(tx, kind, seq, record, None)
        open_sums.follow(tx, kind, record, None)
    entries = ((record.handle, version_of(record), [_gone(kind, record), None]) for _, record in gone)
    audit.append_each(tx, f"{kind.name}.delete", entries)
    return [record for _, record in gone]


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
    tx.free.clear()
    table, names = quoted(kind.plural), ", ".join(f"{quoted(name)} = ?" for name in written)
    rows = tx.connection.execute(
        f"UPDATE {table} SET {names}{more} WHERE workspace_id = ? AND {table}.{quoted(kind.by_name[link].name)} = ? "
        f"RETURNING {returned(tx.connection.dialect, kind)}",
        (*written.values(), *more_args, tx.by.workspace_id, id),
    ).fetchall()
    return _in_order(kind, rows)


def _in_order(kind: Kind, rows: Iterable[tuple[Any, int]]) -> list[tuple[int, Record]]:
    """Return each row's number and record, the oldest first: a statement returns what it changed in any order."""
    return [(seq, shown(kind, packed)) for packed, seq in sorted(rows, key=itemgetter(1))]


def live(connection: Connection, workspace_id: str, name: str) -> int:
    """Return how many live records of the kind called `name` (plural) the workspace has."""
    row = connection.execute(
        "SELECT live FROM counts WHERE workspace_id = ? AND kind = ?", (workspace_id, name)
    ).fetchone()
    return 0 if row is None else row[0]


def version_of(record: Record) -> int | None:
    """Return the version of a record, None if its kind has none."""
    return record.version if isinstance(record, Tracked) else None


_Written = tuple[str, int, Record, audit.Changes]  # verb, row's number, the record that is there or was, for the log


class _New(Struct, frozen=True):
    """A record that is new, as it will be read, and what `put` filled in; `was` is what was known of one that was gone.

    `given` are the values of the fields that whoever writes it gives.
    """

    kind: Kind
    record: Record
    given: Mapping[str, Any]
    filled_in: Mapping[str, Any]
    was: deleted.Deleted | None = None


def _created(tx: Tx, kind: Kind, after: Record) -> Record:
    """Have a row written for a new record, or for one that was gone, and return the record."""
    stamps, version, newest = {"created_at": tx.now, "created_by": tx.by.email}, 1, tx.now
    reached = {REACHED: tx.now} if REACHED in kind.by_name else {}
    was, id = None, after.id
    if id:
        was = deleted.forget(tx, id)
        if was is None:
            raise LookupError(f"{after.handle} was not deleted here")
        stamps = {name: getattr(after, name) for name in stamps}
        reached = {name: getattr(after, name) or stamps["created_at"] for name in reached}
        if isinstance(after, Tracked):
            version, newest = after.version + 1, max(tx.now, after.updated_at or after.created_at)
    else:
        id = deleted.new_id(tx, kind)
    filled_in: dict[str, Any] = {**derived_defaults(kind), **stamps, **reached}
    if isinstance(after, Tracked):
        filled_in |= {"version": version, "updated_at": newest}
    given = {name: value for name in given_names(kind) if (value := getattr(after, name)) is not None}
    record = scores.scored(tx, kind, msgspec.structs.replace(after, handle=kind.handle(id), id=id, **filled_in))
    if kind.is_scored:
        filled_in[SCORE] = scores.score_of(record)
    tx.later(_write_new, _New(kind, record, given, filled_in, was), kind.plural)
    _count(tx, kind, 1)
    if tx.free:
        free.taken(tx, kind, record)
    return record


def _write_new(tx: Tx, many: Sequence[_New]) -> None:
    """Write the rows of new records, and what goes with them."""
    for kind, some in groupby(many, key=attrgetter("kind")):
        new = [*some]
        first, workspace_id = sequence.take(tx, kind.plural, len(new)), tx.by.workspace_id
        for seq, each in enumerate(new, first):
            columns = columns_of(kind, {**each.given, **each.filled_in}) | by_country(tx, kind, each.record)
            args = (seq, workspace_id, each.record.id, *columns.values())
            _guarded(tx, kind, _insert_sql(kind, tuple(columns)), args)
        _queue(tx, kind, ((seq, each.record) for seq, each in enumerate(new, first)))
        for seq, each in enumerate(new, first):
            custom_values.follow(tx, kind, seq, None, each.record)
            open_sums.follow(tx, kind, None, each.record)
        for is_restored, entries in groupby(new, key=lambda each: each.was is not None):
            verb = "restore" if is_restored else "create"
            audit.append_each(tx, f"{kind.name}.{verb}", map(_entry, entries))
        for each in new if kind.is_scored else ():
            scores.tell(tx, kind, each.record, 0.0)


def _entry(new: _New) -> tuple[str, int | None, audit.Changes]:
    """Return what is logged of a new record: its handle, its version, what it holds."""
    own = logged_names(new.kind)
    logged = {name: value for name, value in new.given.items() if name in own}
    if new.was is not None:
        logged |= {name: new.filled_in[name] for name in ("created_at", "created_by")}
    merged = audit.merged(new.was.merged_into) if new.was else None
    return new.record.handle, version_of(new.record), [merged, logged]


def _deleted(tx: Tx, kind: Kind, before: Record, merged_into: str) -> _Written:
    sql = f"DELETE FROM {quoted(kind.plural)} WHERE workspace_id = ? AND id = ? RETURNING seq"
    (seq,) = _guarded(tx, kind, sql, (tx.by.workspace_id, before.id)).fetchone()
    deleted.add(tx, (before.id,), merged_into)
    return "merge" if merged_into else "delete", seq, before, [_gone(kind, before), audit.merged(merged_into)]


def _gone(kind: Kind, record: Record) -> dict[str, Any]:
    """Return what is logged of a record that is gone, with when a POST last reached it, which no other entry tells."""
    names = (*logged_names(kind), REACHED) if REACHED in kind.by_name else logged_names(kind)
    return {name: value for name in names if (value := getattr(record, name)) is not None}


def _changed(tx: Tx, kind: Kind, before: Record, after: Record) -> _Written | None:
    """Write the columns that differ; return None if none that is logged does."""
    values = {name: value for name in given_names(kind) if (value := getattr(after, name)) != getattr(before, name)}
    changes = {name: [getattr(before, name), value] for name, value in values.items() if name in logged_names(kind)}
    if not changes:
        return None
    if isinstance(before, Tracked):
        values |= {"version": before.version + 1, "updated_at": max(tx.now, before.updated_at)}
    columns = columns_of(kind, values) | by_country(tx, kind, after)
    names = ", ".join(f"{quoted(name)} = ?" for name in columns)
    sql = f"UPDATE {quoted(kind.plural)} SET {names} WHERE workspace_id = ? AND id = ? RETURNING seq"
    (seq,) = _guarded(tx, kind, sql, (*columns.values(), tx.by.workspace_id, before.id)).fetchone()
    return "update", seq, msgspec.structs.replace(before, **values), changes


def _count(tx: Tx, kind: Kind, by: int) -> None:
    tx.add(
        "INSERT INTO counts (workspace_id, kind, live) VALUES (?, ?, ?) "
        "ON CONFLICT (workspace_id, kind) DO UPDATE SET live = counts.live + excluded.live",
        (tx.by.workspace_id, kind.plural),
        by,
    )


def _queue(tx: Tx, kind: Kind, rows: Iterable[tuple[int, Record | None]]) -> None:
    if kind.is_searched:
        tx.connection.texts.queue(tx, kind, rows)


def _guarded(tx: Tx, kind: Kind, sql: str, args: tuple[Any, ...]) -> Rows:
    """Execute a statement; raises `already_exists` when a unique value is taken."""
    try:
        rows = tx.connection.execute(sql, args)
        _ = rows.rowcount  # a database may run it no sooner than somebody looks
        return rows
    except Exception as error:
        column = tx.connection.dialect.taken(error)
        if column is None:
            raise
        name = next((field.name for field in kind.fields if field.compared == column), column)
        raise Problem(
            "already_exists",
            f"Another record has that {name}: look it up and change that one.",
            fields={name: "is taken"},
        ) from None


@cache
def _find_sql(dialect: Dialect, kind: Kind, name: str) -> str:
    scope = f"r.workspace_id = ? AND r.{quoted(name)} = ?"
    return f"SELECT {whole(dialect, kind)} FROM {quoted(kind.plural)} AS r WHERE {scope}"


@lru_cache(256)
def _insert_sql(kind: Kind, columns: tuple[str, ...]) -> str:
    """Return the statement that inserts a row; other columns stay empty.

    It has VALUES, since a database may keep a journal of a statement that could insert several rows.
    """
    names = ("seq", "workspace_id", "id", *columns)
    return f"INSERT INTO {quoted(kind.plural)} ({', '.join(map(quoted, names))}) VALUES ({', '.join('?' * len(names))})"
