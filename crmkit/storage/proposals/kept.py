"""The proposals of workspaces: kept, listed, closed, and dropped in the end."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from crmkit.clock import after
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.people.new_ids import unused
from crmkit.storage.proposals.proposal import EXPIRED, OPEN, PREFIX, Change, Proposal, Request
from crmkit.storage.pruning.bounded import dropped, limited

OPEN_DAYS = 30  # after which one that nobody closed expires
KEPT_DAYS = 90  # that one is told after it was closed
KEPT_KIB = 16  # of one that is told whole then; of a longer one changes and body are dropped as it is closed
MAX_LISTED = 2_000  # characters of a body in a list


class Asked(Struct, frozen=True):
    """Which proposals are asked for: of a `state` and `by` an address unless empty, in any area unless some are named.

    Those before the one numbered `before`, the newest first.
    """

    state: str = ""
    by: str = ""
    areas: Sequence[str] | None = None
    before: int | None = None


_FIELDS = tuple(name for name in Proposal.__struct_fields__ if name != "request")
_OF_REQUEST = Request.__struct_fields__
_JSON = {"changes": list[Change], "says": list[str], "needs": list[str]}
_NAMES = ", ".join(f'"{name}"' for name in (*_FIELDS, *_OF_REQUEST))
_LEFT_OUT = {"changes": "'[]'", "says": "'[]'", "body": f"CASE WHEN length(body) <= {MAX_LISTED} THEN body END"}
_LISTED = ", ".join(_LEFT_OUT.get(name, f'"{name}"') for name in (*_FIELDS, *_OF_REQUEST))
_CUT = ", ".join(
    f"{name} = CASE WHEN size <= {KEPT_KIB * 1024} THEN {name} ELSE {other} END"
    for name, other in (("changes", "'[]'"), ("body", "NULL"))
)
_encode = msgspec.json.encode


def new(tx: Tx, request: Request, changes: Sequence[Change], says: Sequence[str], position: int) -> Proposal:
    """Keep a request of the actor that waits, and return it as a proposal."""
    actor, workspace = tx.by, Workspace.of(tx.by)
    (newest,) = tx.connection.execute(
        "SELECT max(seq) FROM proposals WHERE seq BETWEEN ? AND ?", (workspace.first, workspace.last)
    ).fetchone()
    made = Proposal(
        workspace_id=workspace.id,
        seq=(newest or workspace.first) + 1,
        id=unused(tx, "proposals", PREFIX, workspace.id),
        state=OPEN,
        request=request,
        changes=changes,
        says=says,
        by=actor.email,
        token_id=actor.token_id,
        token_name=actor.token_name,
        created_at=tx.now,
        position=position,
    )
    values = [_stored(name, getattr(made, name)) for name in _FIELDS]
    values += [_stored(name, getattr(request, name)) for name in _OF_REQUEST]
    size = sum(len(value.encode()) for value in values if isinstance(value, str))
    tx.connection.execute(
        f"INSERT INTO proposals ({_NAMES}, size) VALUES ({', '.join('?' * len(values))}, ?)", (*values, size)
    )
    return made


def close(tx: Tx, found: Proposal, state: str, reason: str | None = None, op: int | None = None) -> Proposal:
    """Close a proposal by the actor, and return it as it is then."""
    row = tx.connection.execute(
        f"UPDATE proposals SET state = ?, closed_at = ?, closed_by = ?, reason = ?, op = ?, {_CUT} "
        f"WHERE workspace_id = ? AND id = ? RETURNING {_NAMES}",
        (state, tx.now, tx.by.email, reason, op, found.workspace_id, found.id),
    ).fetchone()
    return _proposal(row)


def find(connection: Connection, workspace_id: str, id: str) -> Proposal | None:
    """Return the proposal with this id, or None."""
    sql = f"SELECT {_NAMES} FROM proposals WHERE workspace_id = ? AND id = ?"
    row = connection.execute(sql, (workspace_id, id)).fetchone()
    return None if row is None else _proposal(row)


def page(connection: Connection, workspace: Workspace, asked: Asked, most: int) -> list[Proposal]:
    """Return up to `most` of those that are asked for, without changes, sentences and bodies past MAX_LISTED."""
    where, args = _where(workspace, asked)
    sql = f"SELECT {_LISTED} FROM proposals WHERE {where} ORDER BY seq DESC {connection.dialect.limit}"
    return [_proposal(row) for row in connection.execute(sql, (*args, most)).fetchall()]


def count(connection: Connection, workspace: Workspace, asked: Asked, most: int) -> int:
    """Return how many are asked for, counting no further than `most`."""
    where, args = _where(workspace, asked)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM proposals WHERE {where} {connection.dialect.limit}) AS q"
    found: int = connection.execute(sql, (*args, most)).fetchone()[0]
    return found


def waiting(connection: Connection, workspace: Workspace) -> tuple[int, int]:
    """Return how many proposals of a workspace are open, and how many bytes they take."""
    sql = "SELECT count(*), coalesce(sum(size), 0) FROM proposals WHERE workspace_id = ? AND state = ?"
    found: tuple[int, int] = connection.execute(sql, (workspace.id, OPEN)).fetchone()
    return found


_EXPIRE = f"UPDATE proposals SET state = ?, closed_at = ?, {_CUT} WHERE " + limited(
    "proposals", "seq", f"state = '{OPEN}' AND created_at < ?"
)
_LONG_CLOSED = "DELETE FROM proposals WHERE " + limited("proposals", "seq", "closed_at <> '' AND closed_at < ?")


def forget(tx: Tx) -> bool:
    """End some of those that nobody closed in time, drop some that were closed long ago; tell whether some are left."""
    is_left = dropped(tx, _EXPIRE, EXPIRED, tx.now, after(tx.now, days=-OPEN_DAYS))
    return dropped(tx, _LONG_CLOSED, after(tx.now, days=-KEPT_DAYS)) or is_left


def _where(workspace: Workspace, asked: Asked) -> tuple[str, list[Any]]:
    parts, args = ["workspace_id = ?", "seq BETWEEN ? AND ?"], [workspace.id, workspace.first, workspace.last]
    if asked.before is not None:
        parts.append("seq < ?")
        args.append(asked.before)
    for name, value in (("state", asked.state), ("by", asked.by)):
        if value:
            parts.append(f'"{name}" = ?')
            args.append(value)
    if asked.areas is not None:
        parts.append(f"area IN ({', '.join('?' * len(asked.areas)) or 'NULL'})")
        args += asked.areas
    return " AND ".join(parts), args


def _stored(name: str, value: Any) -> Any:
    return _encode(value).decode() if name in _JSON else value


def _proposal(row: Sequence[Any]) -> Proposal:
    values = dict(zip((*_FIELDS, *_OF_REQUEST), row, strict=True))
    for name, type_ in _JSON.items():
        values[name] = msgspec.json.decode(values[name], type=type_)
    request = Request(**{name: values.pop(name) for name in _OF_REQUEST})
    return Proposal(request=request, **values)
