"""What records show of activities, of their members and of others' titles, compared with those, some rows at a time."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from crmkit.model.record import Kind, Kinds
from crmkit.model.record.kinds import Reference
from crmkit.storage.columns import columns_of, quoted
from crmkit.storage.derived.tallies import TAKEN_PLACE
from crmkit.storage.examining.mismatch import Look, Mismatch
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.workspace import Workspace

ROWS = 200  # that are compared in one moment


def looks(kinds: Kinds, contacts: Sequence[str]) -> Iterator[Look]:
    """Yield what compares derived fields; `contacts` are the kinds of activities that count as contacts made."""
    for kind in kinds.logged:
        yield partial(_compare, kind, _of_activities(kind, contacts))
    yield partial(_compare, kinds.whole.to, _of_members(kinds))
    for kind in kinds.related:
        names = [link for link in kinds.links[kind] if link.name]
        if names:
            yield partial(_compare, kind, dict(map(_of_title, names)))


def _of_activities(kind: Kind, contacts: Sequence[str]) -> Mapping[str, str]:
    """Return the SQL of each field that follows from activities."""
    of = f"FROM activities AS a WHERE a.workspace_id = r.workspace_id AND a.{quoted(kind.activity_link)} = r.id"
    made = f"a.kind IN ({', '.join(map(repr, contacts))}) AND {TAKEN_PLACE}"
    return {
        "activities": f"(SELECT count(*) {of})",
        "last_activity_at": f"(SELECT max(a.occurred_at) {of})",
        "contacts_made": f"(SELECT count(*) {of} AND {made})",
        "last_contacted_at": f"(SELECT max(a.occurred_at) {of} AND {made})",
    }


def _of_members(kinds: Kinds) -> Mapping[str, str]:
    of = (
        f"(SELECT count(*) FROM {quoted(kinds.membership.plural)} AS m "
        f"WHERE m.workspace_id = r.workspace_id AND m.{quoted(kinds.whole.link)} = r.id"
    )
    return {"members": f"{of})"} | {
        link.to.plural: f"{of} AND m.{quoted(link.link)} IS NOT NULL)" for link in kinds.members
    }


def _of_title(link: Reference) -> tuple[str, str]:
    title, to = quoted(link.to.title.name), quoted(link.to.plural)
    return link.name, (
        f"(SELECT t.{title} FROM {to} AS t WHERE t.workspace_id = r.workspace_id AND t.id = r.{quoted(link.link)})"
    )


def _compare(
    kind: Kind, follows: Mapping[str, str], connection: Connection, workspace: Workspace, after: int
) -> tuple[list[Mismatch], int | None]:
    kept = ", ".join(f"r.{quoted(name)}" for name in follows)
    rows = connection.execute(
        f"SELECT r.seq, r.id, {kept}, {', '.join(follows.values())} FROM {quoted(kind.plural)} AS r "
        f"WHERE r.seq > ? AND r.seq <= ? ORDER BY r.seq {connection.dialect.limit}",
        (after, workspace.last, ROWS),
    ).fetchall()
    wrong = []
    for seq, id, *values in rows:
        had, has = (dict(zip(follows, part, strict=True)) for part in (values[: len(follows)], values[len(follows) :]))
        other = {name: value for name, value in has.items() if value != had[name]}
        if other:
            told = ", ".join(f"{name} is {had[name]!r} and follows as {value!r}" for name, value in other.items())
            wrong.append(Mismatch(f"{workspace.id} {kind.handle(id)}: {told}", (_set(kind, seq, other),)))
    return wrong, rows[-1][0] if len(rows) == ROWS else None


def _set(kind: Kind, seq: int, values: Mapping[str, Any]) -> Statement:
    columns = columns_of(kind, values)
    names = ", ".join(f"{quoted(name)} = ?" for name in columns)
    return Statement(f"UPDATE {quoted(kind.plural)} SET {names} WHERE seq = ?", (*columns.values(), seq))
