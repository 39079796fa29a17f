"""The record that an id or a natural key names, or a `not_found` that says why there is none."""

from collections.abc import Sequence

from crmkit.core import path_ids
from crmkit.errors import Problem, listed
from crmkit.model import names
from crmkit.model.fields import Key
from crmkit.model.record import Kind, Record
from crmkit.storage import records
from crmkit.storage.interface.connection import Connection


def id_or_key(kind: Kind, text: str) -> str | Key:
    """Return the bare id or the natural key in a path; raises `not_found` with what is wrong with it."""
    where = f"GET /{kind.plural} lists what there is."
    return path_ids.id_or_key(kind.prefixes, kind.forms, text, kind.prefix, where)


def find(connection: Connection, kind: Kind, workspace_id: str, named: str | Key) -> Record | None:
    """Return the live record that a bare id or a natural key names, None if there is none of this kind."""
    if isinstance(named, str):
        return records.fetch(connection, kind, workspace_id, named)
    found = (records.find(connection, kind, workspace_id, *known) for known in named.of(kind.prefix))
    return next((record for record in found if record is not None), None)


def existing(connection: Connection, kind: Kind, workspace_id: str, named: str | Key) -> Record:
    """Return the live record; raises `not_found`, alike for an id of another workspace and one that never existed."""
    record = find(connection, kind, workspace_id, named)
    if record is not None:
        return record
    id = named if isinstance(named, str) else ""
    deleted_at = records.was_deleted(connection, workspace_id, id) if id else None
    if deleted_at is not None:
        raise Problem(
            "not_found",
            f"This {kind.name} was deleted at {deleted_at}; GET /audit?target={kind.handle(id)} shows what it held.",
        )
    where = "?search= finds one by name" if kind.has_title else " lists what there is"
    raise Problem("not_found", f"There is no {kind.name} {shown(named)} in this workspace. GET /{kind.plural}{where}.")


def nothing(kinds: Sequence[Kind], named: str | Key) -> str:
    """Return the sentence that no record of these kinds has an id or a natural key."""
    return f"there is no {listed([kind.name for kind in kinds], 'or')} {shown(named)} in this workspace"


def shown(named: str | Key) -> str:
    """Return an id or a natural key for a sentence of ours."""
    return named if isinstance(named, str) else names.clean(named.text)
