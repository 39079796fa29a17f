"""What tests read from the audit log alone: the records as they are, and how to take an operation back."""

from dataclasses import dataclass
from typing import Any

import msgspec

from crmkit.core.call import Call
from crmkit.core.jobs.kind import Result
from crmkit.core.undo.undo import undo as taken_back
from crmkit.model.actor import Actor
from crmkit.model.record import REACHED, Kind, Record
from crmkit.storage.log import audit
from tests import postgres
from tests.kinds import ACTIVITY, MEMBERSHIP, REGISTRY
from tests.storage.desk import Desk

BY_NAME = {kind.name: kind for kind in (*REGISTRY.related, ACTIVITY)}
COLUMNS = 'seq, at, "by", action, target, changes, op, version'

TABLES = (
    *(kind.plural for kind in (*REGISTRY.related, *REGISTRY.settings, ACTIVITY)),
    *("custom_values", "activity_addresses", "ahead", "counts", "deleted"),
)


@dataclass
class Entry:
    """A row of the log; `changes` are as they are stored."""

    seq: int
    at: str
    by: str
    action: str
    target: str
    changes: Any
    op: int | None
    version: int | None

    @property
    def kind(self) -> Kind | None:
        """The kind of the record that changed, None for anything else."""
        return BY_NAME.get(self.target.partition("/")[0])

    @property
    def id(self) -> str:
        return self.target.partition("/")[2]


def entries(back: Desk, actor: Actor) -> list[Entry]:
    """Return the log of the actor's workspace, the oldest first."""
    sql = f"SELECT {COLUMNS} FROM audit WHERE workspace_id = ? ORDER BY seq"
    rows = back.do(back.database.read(None, lambda c: c.execute(sql, (actor.workspace_id,)).fetchall()))
    return [_entry(row) for row in rows]


def _entry(row: Any) -> Entry:
    seq, at, by, action, target, changes, op, version = row
    return Entry(seq, at, by, action, target, msgspec.json.decode(changes), op, version)


def newest_operation(back: Desk, actor: Actor) -> str:
    """Return the id of the operation that the newest entry is part of."""
    newest = entries(back, actor)[-1]
    return audit.operation_id(actor.workspace_id, newest.op or newest.seq)


def undo(back: Desk, actor: Actor, operation: str) -> Result:
    """Take an operation back."""
    found = back.do(taken_back(Call(back.crm, actor), operation))
    assert isinstance(found, Result)
    return found


def live(back: Desk, actor: Actor) -> dict[str, Record]:
    """Return all records there are, by their handles."""
    found: list[Record] = []
    for kind in BY_NAME.values():
        found += back.pages(actor, kind=kind)
    return {record.handle: record for record in found}


def logged(record: Record) -> dict[str, Any]:
    """Return what the log tells of a record: fields that hold something, and follow from nothing."""
    kind = BY_NAME[record.handle.partition("/")[0]]
    names = [field.name for field in kind.fields if not field.derived and field.name not in ("id", "updated_at")]
    return {name: value for name in names if (value := getattr(record, name)) is not None}


def replayed(log: list[Entry]) -> dict[str, dict[str, Any]]:
    """Return what `logged` returns of each live record, from the log alone."""
    found: dict[str, dict[str, Any]] = {}
    for entry in log:
        if entry.kind is None:
            continue
        if isinstance(entry.changes, dict):
            assert entry.version in (None, found[entry.target].get("version", 0) + 1)
            found[entry.target] |= {name: new for name, (_, new) in entry.changes.items()}
        elif entry.action.endswith((".delete", ".merge")):
            known = {name: value for name, value in entry.changes[0].items() if name != REACHED}
            assert found.pop(entry.target) == known | _versioned(entry)
            continue
        else:
            found[entry.target] = {"created_at": entry.at, "created_by": entry.by} | entry.changes[1]
        found[entry.target] |= _versioned(entry)
        found[entry.target] = {name: value for name, value in found[entry.target].items() if value is not None}
    return found


def _versioned(entry: Entry) -> dict[str, Any]:
    return {} if entry.version is None else {"version": entry.version}


def recomputed(records: dict[str, Record], now: str) -> dict[str, dict[str, Any]]:
    """Return the derived fields of all records, from what the others hold, at this time."""
    found: dict[str, dict[str, Any]] = {handle: {} for handle in records}
    activities = [record for handle, record in records.items() if handle.startswith("activity/")]
    memberships = [record for record in records.values() if isinstance(record, MEMBERSHIP.record)]
    for handle, record in records.items():
        kind = BY_NAME[handle.partition("/")[0]]
        if kind is ACTIVITY:
            continue
        if kind.is_logged:
            own: list[Any] = [a for a in activities if getattr(a, kind.activity_link) == record.id]
            times = [a.occurred_at for a in own]
            contacts = [a.occurred_at for a in own if a.kind in ("call", "email", "meeting") and a.occurred_at <= now]
            found[handle] = {
                **{"activities": len(times), "last_activity_at": max(times, default=None)},
                **{"contacts_made": len(contacts), "last_contacted_at": max(contacts, default=None)},
                "on_behalf_of": sorted({a.on_behalf_of for a in own if a.on_behalf_of}) or None,
            }
        if "score" in kind.by_name:
            found[handle]["score"] = 0.0  # nothing is scored yet
        if kind is REGISTRY.whole.to:
            joined = [each for each in memberships if getattr(each, REGISTRY.whole.link) == record.id]
            kinds = [REGISTRY.member_of(each)[0] for each in joined]
            found[handle] = {link.to.plural: kinds.count(link.to) for link in REGISTRY.members}
            found[handle]["members"] = len(joined)
        for link in (link for link in REGISTRY.links[kind] if link.name):
            id = getattr(record, link.link)
            other = None if id is None else records[link.to.handle(id)]
            found[handle][link.name] = None if other is None else getattr(other, link.to.title.name)
    return found


def derived_of(records: dict[str, Record]) -> dict[str, dict[str, Any]]:
    """Return the derived fields of all records, as they hold them; nothing tells later which POSTs reached one."""
    return {
        handle: {
            field.name: getattr(record, field.name)
            for field in BY_NAME[handle.partition("/")[0]].fields
            if field.derived and field.name != REACHED
        }
        for handle, record in records.items()
    }


def tables(back: Desk, actor: Actor) -> dict[str, dict[str, dict[str, Any]]]:
    """Return all columns of all rows of the workspace, by table and id, but for what the log does not tell."""

    def read(connection: Any) -> dict[str, dict[str, dict[str, Any]]]:
        found = {}
        for table in TABLES:
            rows = postgres.rows_of(connection, table, "workspace_id = ?", actor.workspace_id)
            found[table] = {
                _named(row): {n: v for n, v in row.items() if n not in ("seq", "updated_at")} for row in rows
            }
        return found

    return back.do(back.database.read(None, read))


def _named(row: dict[str, Any]) -> Any:
    """Return the id of a row's record, with what else tells the row from others of its table."""
    more = [row[name] for name in ("place", "address") if name in row]
    id = row.get("id") or row.get("record_id") or row["kind"]
    return (id, *more) if more else id
