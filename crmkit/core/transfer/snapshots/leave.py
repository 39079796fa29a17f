"""A workspace leaves: its archive, written of one moment, in pieces."""

from collections.abc import Iterator

import msgspec

from crmkit import __version__
from crmkit.clock import moment
from crmkit.core import roles
from crmkit.core.erasure import job as erasing
from crmkit.core.people import access
from crmkit.core.transfer.snapshots.archive import FORMAT, MEMBERS, File, Manifest, Member, Writer, hash_of
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.record import Kinds
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.people import accounts
from crmkit.storage.transfer.snapshots import leaving
from crmkit.storage.workspaces import owned


def find(connection: Connection, actor: Actor, workspace_id: str) -> Workspace:
    """Return the workspace with this id for one of its admins; raises `not_a_member` and `admin_required`.

    Raises `in_progress` while a person is erased.
    """
    membership = access.membership(connection, actor, workspace_id)
    if membership.role != "admin":
        raise roles.admin_required()
    workspace = Workspace(workspace_id, membership.workspace_number)
    if erasing.NAME in leaving.unfinished(connection, workspace):
        raise Problem(
            "in_progress", "A person is being erased here, whom the archive would hold: send this again shortly."
        )
    return workspace


def for_admin(connection: Connection, kinds: Kinds, now: str, actor: Actor, workspace_id: str) -> Iterator[bytes]:
    """Yield the archive of a workspace for one of its admins; what `find` raises comes in place of the first piece."""
    yield from pieces(connection, kinds, now, find(connection, actor, workspace_id))


def pieces(connection: Connection, kinds: Kinds, now: str, workspace: Workspace) -> Iterator[bytes]:
    """Yield the archive of a workspace."""
    members = [
        Member(member.email, member.role, member.joined_at, member.user_id)
        for member in accounts.people(connection, workspace.id)
    ]
    lines = b"".join(msgspec.json.encode(member) + b"\n" for member in members).decode()
    content = {MEMBERS: iter([(len(members), lines)])}
    content |= {table.name: leaving.lines(connection, table, workspace) for table in owned.travelling(kinds)}
    at = moment(now)
    writer, files = Writer((at.year, at.month, at.day, at.hour, at.minute, at.second)), list[File]()
    for name, parts in content.items():
        for file in writer.file(name, parts):
            if file is not None:
                files.append(file)
            yield writer.taken()
    settings = leaving.settings(connection, workspace)
    writer.end(
        Manifest(
            FORMAT,
            __version__,
            leaving.schema(connection),
            now,
            settings,
            leaving.unfinished(connection, workspace),
            files,
            hash_of(settings, members, files),
        )
    )
    yield writer.taken()
