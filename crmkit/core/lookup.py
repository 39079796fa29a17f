"""The record that an id in a path names, or a `not_found` that says why there is none."""

from crmkit.core import path_ids
from crmkit.errors import Problem
from crmkit.model.record import Kind, Record
from crmkit.storage import records
from crmkit.storage.interface.connection import Connection


def bare(kind: Kind, text: str) -> str:
    """Return the bare id in a path; raises `not_found` with what is wrong with it."""
    return path_ids.bare(kind.prefixes, text, kind.prefix, f"GET /{kind.plural} lists what there is.")


def existing(connection: Connection, kind: Kind, workspace_id: str, id: str) -> Record:
    """Return the live record; raises `not_found`, alike for an id of another workspace and one that never existed."""
    record = records.fetch(connection, kind, workspace_id, id)
    if record is not None:
        return record
    deleted_at = records.was_deleted(connection, workspace_id, id)
    if deleted_at is not None:
        raise Problem(
            "not_found",
            f"This {kind.name} was deleted at {deleted_at}; GET /audit?target={kind.handle(id)} shows what it held.",
        )
    find = "?search= finds one by name" if kind.is_searched else " lists what there is"
    raise Problem("not_found", f"There is no {kind.name} {id} in this workspace. GET /{kind.plural}{find}.")
