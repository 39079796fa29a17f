"""What is sent of an event: the body, made anew for each attempt, and its signature."""

from collections.abc import Sequence
from typing import Any

import msgspec

from crmkit.core.webhooks import events
from crmkit.core.webhooks.form import Form, Told
from crmkit.model.events import names, secret
from crmkit.model.record import Kind, Kinds, Record
from crmkit.render.encoding import encoded
from crmkit.storage import records
from crmkit.storage.columns import logged_names, stored
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit, entries
from crmkit.storage.log.entries import Entry
from crmkit.storage.webhooks.deliveries import Delivery


def body(
    connection: Connection, kinds: Kinds, workspace: Workspace, delivery: Delivery, form: Form | None = None
) -> bytes:
    """Return the JSON that tells an event in a form, that of ours without one, with the record as it is now."""
    if form is not None:
        return encoded(form.body(told(connection, kinds, workspace, delivery)))
    about = {"id": delivery.event, "type": delivery.type, "timestamp": delivery.at, "workspace_id": workspace.id}
    return encoded(about | _content(connection, kinds, workspace, delivery))


def told(connection: Connection, kinds: Kinds, workspace: Workspace, delivery: Delivery) -> Told:
    """Return the event of a delivery, from which a form makes the body that is sent."""
    kind = kinds.by_word.get(delivery.type.partition(".")[0])
    data = _content(connection, kinds, workspace, delivery)["data"]

    def find(ids: Sequence[str]) -> dict[str, Record]:
        return {} if kind is None else records.all_of(connection, kind, workspace.id, ids)

    return Told(delivery.type, delivery.at, data, find)


def headers(
    delivery: Delivery, secrets: Sequence[str], timestamp: int, content: bytes, form: Form | None = None
) -> dict[str, str]:
    """Return the headers of a message that is sent at this second since 1970; without a secret nothing signs it."""
    found = {
        "Content-Type": "application/json",
        "webhook-id": delivery.event,
        "webhook-timestamp": str(timestamp),
    }
    if not secrets:
        return found
    signed = " ".join(secret.signature(each, delivery.event, timestamp, content) for each in secrets)
    return {**found, "webhook-signature": signed, **(form.signed(secrets[0], content) if form else {})}


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
    data = _data(connection, kind, workspace, delivery.target, entry)
    if data is None:
        return {"data": {"handle": delivery.target, "id": delivery.target.partition("/")[2]}, "changes": {}}
    changes = msgspec.json.decode(delivery.told) if delivery.told else dict(entry.changes if entry else {})
    return {"data": data, "changes": changes}


def _data(
    connection: Connection, kind: Kind, workspace: Workspace, handle: str, entry: Entry | None
) -> Record | dict[str, Any] | None:
    """Return a record as it is, or what it was before the entry that took it away.

    None of one that was erased, or of which the log tells nothing any more.
    """
    if entry is None or not entry.is_gone:
        live = records.fetch(connection, kind, workspace.id, handle.partition("/")[2])
        if live is not None:
            return live
    newest = next((each for each in entries.newest_first(connection, workspace, handle) if each.is_gone), None)
    gone = entry if entry is not None and entry.is_gone else newest
    if newest is None or gone is None or not (newest.changes and gone.changes):
        return None
    return None if entries.is_of_erasure(connection, workspace, gone) else _gone(connection, kind, workspace, gone)


def _gone(connection: Connection, kind: Kind, workspace: Workspace, gone: Entry) -> dict[str, Any]:
    """Return a record that went, with all fields: null is what the log does not tell, as what followed from others."""
    was = {name: old for name, (old, _) in gone.changes.items()}
    before = entries.before(connection, workspace, gone)
    was |= {"version": gone.version} | ({} if before is None else {"updated_at": before.at})
    own = logged_names(kind)
    told = {field.name: was.get(field.name, field.default if field.name in own else None) for field in stored(kind)}
    return {"handle": gone.target, **told, "id": gone.target.partition("/")[2]}
