"""What is sent of an event: the body, made anew for each attempt, and its signature."""

from collections.abc import Sequence
from typing import Any

import msgspec

from crmkit.core.webhooks import events
from crmkit.model.events import names, secret
from crmkit.model.record import Kind, Kinds, Record
from crmkit.render.encoding import encoded
from crmkit.storage import records
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit, entries
from crmkit.storage.log.entries import Entry
from crmkit.storage.webhooks.deliveries import Delivery


def body(connection: Connection, kinds: Kinds, workspace: Workspace, delivery: Delivery) -> bytes:
    """Return the JSON that tells an event, with the record as it is now."""
    told = {"id": delivery.event, "type": delivery.type, "timestamp": delivery.at, "workspace_id": workspace.id}
    return encoded(told | _content(connection, kinds, workspace, delivery))


def headers(delivery: Delivery, secrets: Sequence[str], timestamp: int, content: bytes) -> dict[str, str]:
    """Return the headers of a message that is sent at this second since 1970."""
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery.event,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(secret.signature(each, delivery.event, timestamp, content) for each in secrets),
    }


def _content(connection: Connection, kinds: Kinds, workspace: Workspace, delivery: Delivery) -> dict[str, Any]:
    if delivery.type == names.TEST:
        return {"data": {"webhook_id": delivery.webhook_id}}
    kind = kinds.by_word[delivery.type.partition(".")[0]]
    if not delivery.target:
        handles = events.records(connection, kinds, workspace, delivery)
        ids = [handle.partition("/")[2] for handle in handles]
        rows = [] if delivery.told else entries.written(connection, delivery.first - 1, delivery.first, 1)
        operation = {"operation": audit.operation_id(workspace.id, rows[0].operation)} if rows else {}
        return {**operation, "data": {"ids": ids, "count": len(ids)}}
    entry = None if delivery.told else entries.one(connection, workspace, delivery.first)
    changes = msgspec.json.decode(delivery.told) if delivery.told else _changes(entry)
    return {"data": _data(connection, kind, workspace, delivery.target, entry), "changes": changes}


def _changes(entry: Entry | None) -> dict[str, Any]:
    return {} if entry is None else dict(entry.changes)


def _data(connection: Connection, kind: Kind, workspace: Workspace, handle: str, entry: Entry | None) -> Record | None:
    """Return a record as it is, or what it was before the entry that took it away; None where that is not known."""
    id = handle.partition("/")[2]
    if entry is None or not entry.is_gone:
        live = records.fetch(connection, kind, workspace.id, id)
        if live is not None:
            return live
        log = entries.newest_first(connection, workspace, handle)
        entry = next((each for each in log if each.is_gone), None)
    return None if entry is None or not entry.changes else _gone(kind, entry, id)


def _gone(kind: Kind, entry: Entry, id: str) -> Record:
    values = {**kind.blank, **{name: old for name, (old, _) in entry.changes.items() if name in kind.by_name}}
    stamps = {"id": id, "version": entry.version or 1, "updated_at": entry.at}
    values |= {name: content for name, content in stamps.items() if name in kind.by_name}
    _, *held = (values[name] for name in kind.blank)
    return kind.build(id, *held)
