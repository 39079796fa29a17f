"""The record that an id or a natural key names, or a `not_found` that says why there is none.

The id of a record that was merged into another names that one.
"""

from collections.abc import Sequence

from crmkit.core import path_ids
from crmkit.errors import Problem, listed
from crmkit.model import names
from crmkit.model.actor import Actor
from crmkit.model.fields import Key
from crmkit.model.record import Kind, Record
from crmkit.records.audit import ERASE
from crmkit.storage import deleted, records
from crmkit.storage.interface.connection import Connection
from crmkit.storage.log import audit, operations


def id_or_key(kind: Kind, text: str) -> str | Key:
    """Return the bare id or the natural key in a path; raises `not_found` with what is wrong with it."""
    where = f"GET {kind.path} lists what there is."
    return path_ids.id_or_key(kind.prefixes, kind.forms, text, kind.prefix, where)


def find(connection: Connection, kind: Kind, by: Actor, named: str | Key) -> Record | None:
    """Return the live record that a bare id or a natural key names, None if there is none of this kind.

    Raises `scope_required` for a key, which unlike an id can be guessed, where the token does not read the kind. What
    the name of a setting tells is up to its routes.
    """
    workspace_id = by.workspace_id
    if isinstance(named, Key):
        if not kind.is_setting:
            by.access.check(f"{kind.area}.read")
        found = (records.find(connection, kind, workspace_id, *known) for known in named.of(kind.prefix))
        return next((record for record in found if record is not None), None)
    record = records.fetch(connection, kind, workspace_id, named)
    if record is None and kind.is_mergeable:
        into = deleted.successors(connection, workspace_id, (named,)).get(named)
        record = records.fetch(connection, kind, workspace_id, into) if into else None
    return record


def existing(connection: Connection, kind: Kind, by: Actor, named: str | Key) -> Record:
    """Return the live record as `find` does; raises `not_found`, alike for an id of another workspace and for none."""
    record = find(connection, kind, by, named)
    if record is not None:
        return record
    if isinstance(named, str):
        _check_deleted(connection, kind, by.workspace_id, named)
    where = "?search= finds one by name" if kind.has_title else " lists what there is"
    gone = "" if isinstance(named, str) else f" GET /audit?action={kind.name}.delete lists those deleted."
    says = f"There is no {kind.name} {shown(named)} in this workspace. GET {kind.path}{where}.{gone}"
    raise Problem("not_found", says)


def _check_deleted(connection: Connection, kind: Kind, workspace_id: str, id: str) -> None:
    """Raise `not_found` with when a record was deleted, if it was: it, or the one that it was merged into."""
    into = deleted.successors(connection, workspace_id, (id,)).get(id, id)
    gone = deleted.find(connection, workspace_id, into)
    if gone is None:
        return
    what = f"This {kind.name} was" if into == id else f"This {kind.name} was merged into {into}, which was"
    last = operations.newest_of(connection, workspace_id, kind.handle(into))
    if last is not None and last.action.endswith(f".{ERASE}"):
        raise Problem("not_found", f"{what} erased at {last.at}; nothing of it is left.")
    held = f"GET /audit?target={kind.handle(into)} shows what it held"
    undo = "" if last is None else f", POST /undo/{audit.operation_id(workspace_id, last.first)} takes the delete back"
    raise Problem("not_found", f"{what} deleted at {gone.at}; {held}{undo}.")


def notes(named: str | Key, record: Record) -> tuple[str, ...]:
    """Return the note that an id names the record into which its own was merged; none for any other."""
    return (f"{named} was merged into {record.id}",) if isinstance(named, str) and named != record.id else ()


def notes_of_path(kind: Kind, text: str, record: Record) -> tuple[str, ...]:
    """Return the note that the id in a path is that of a record which was merged into this one, if it is."""
    return () if text.endswith(record.id) else notes(id_or_key(kind, text), record)


def nothing(kinds: Sequence[Kind], named: str | Key) -> str:
    """Return the sentence that no record of these kinds has an id or a natural key."""
    return f"there is no {listed([kind.name for kind in kinds], 'or')} {shown(named)} in this workspace"


def shown(named: str | Key) -> str:
    """Return an id or a natural key for a sentence of ours."""
    return named if isinstance(named, str) else names.clean(named.text)
