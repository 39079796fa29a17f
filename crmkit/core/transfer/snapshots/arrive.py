"""A workspace arrives from its archive, in steps; nobody belongs to it before the last one, which brings its members.

A workspace without members is one that did not arrive as a whole: the next import of it erases it first.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar

from crmkit import ids
from crmkit.core.configuration import countries
from crmkit.core.declared import indexing
from crmkit.core.people.teams import ROLES
from crmkit.core.scoring import nightly
from crmkit.core.transfer.snapshots import checking
from crmkit.core.transfer.snapshots.archive import MEMBERS, Invalid, Manifest, Member, Reader
from crmkit.core.webhooks import on_write
from crmkit.model import address
from crmkit.model.record import Kind, Kinds
from crmkit.storage.interface.lanes import Lanes, mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log.chain import Chain
from crmkit.storage.people import accounts
from crmkit.storage.transfer.snapshots import arriving, leaving
from crmkit.storage.transfer.snapshots.arriving import Refused, Row
from crmkit.storage.workspaces import erasure, lookup, owned
from crmkit.storage.workspaces.owned import Owned

T = TypeVar("T")

BEGUN_ANEW: Mapping[str, Callable[[Tx, Workspace], None]] = {
    countries.READ_ANEW: countries.begin,
    nightly.NIGHTLY: nightly.begin,
}


class Run(Protocol):
    """A function that does one unit of work in these lanes."""

    def __call__(self, unit: Callable[[Tx], T], lanes: Lanes) -> T: ...


def arrive(reader: Reader, run: Run, kinds: Kinds, chain: Chain, plan: str) -> None:
    """Write a workspace as its archive has it, under this plan.

    Raises Invalid and Refused, which say why nothing of it is here.
    """
    manifest = reader.manifest
    _check(manifest, reader.members, kinds)
    checking.check(reader, kinds)
    tables = owned.travelling(kinds)
    workspace = run(partial(_begin, manifest=manifest, kinds=kinds, chain=chain, plan=plan), [manifest.id])
    try:
        for table in tables:
            for rows in reader.rows(table.name):
                step = partial(_insert, workspace=workspace, manifest=manifest, kinds=kinds, table=table, rows=rows)
                run(step, [workspace.id])
        end = partial(_end, workspace=workspace, manifest=manifest, kinds=kinds, members=reader.members)
        run(end, [workspace.id, *(mail_lane(member.email) for member in reader.members)])
    except BaseException:
        with suppress(Exception):  # the next import of it does so, too
            run(partial(_erase, workspace=workspace, kinds=kinds, chain=chain), [workspace.id])
        raise


def _check(manifest: Manifest, members: list[Member], kinds: Kinds) -> None:
    """Raise Invalid for what a crmkit never wrote."""
    try:
        ids.parse(manifest.id, "ws", kinds.prefixes)
        for member in members:
            ids.parse(member.user_id, "u", kinds.prefixes)
            if address.email(member.email) != member.email:
                raise Invalid(f"{member.email} is no address as it is stored")
            if member.role not in ROLES:
                raise Invalid(f"{member.role} is no role")
    except ValueError as error:
        raise Invalid(str(error)) from None
    if len({member.email for member in members}) < len(members):
        raise Invalid("an address stands twice among its members")
    if not any(member.role == "admin" for member in members):
        raise Invalid("no admin belongs to the workspace in it")


def _begin(tx: Tx, manifest: Manifest, kinds: Kinds, chain: Chain, plan: str) -> Workspace:
    schema = leaving.schema(tx.connection)
    if schema != manifest.schema:
        raise Invalid(_other_schema(manifest, schema))
    if {file.name for file in manifest.files} != {MEMBERS, *(table.name for table in owned.travelling(kinds))}:
        raise Invalid("it has other tables than this crmkit")
    there = lookup.find(tx.connection, manifest.id)
    if there is not None:
        if not arriving.is_empty(tx.connection, there):
            raise Refused(f"the workspace {manifest.id} is here already, so nothing was imported")
        erasure.erase(tx, kinds, chain, there)
    return arriving.begin(tx, manifest.workspace, plan)


def _other_schema(manifest: Manifest, here: int) -> str:
    told = f"it was written by crmkit {manifest.program} with schema {manifest.schema}, and the data here has {here}"
    if manifest.schema > here:
        return f"{told}: install the newer crmkit here, which brings this data up to date, then import again"
    return f"{told}: bring the other server up to date with the newer crmkit, then export again"


def _insert(tx: Tx, workspace: Workspace, manifest: Manifest, kinds: Kinds, table: Owned, rows: list[Row]) -> None:
    _check_whole(tx, workspace)
    arriving.insert(tx, table, workspace, rows)
    kind = _searched(kinds, table)
    if kind is not None:
        numbers = [number for row in rows if isinstance(number := row["seq"], int)]
        tx.country = str(manifest.workspace.get("country") or "")
        arriving.queue_texts(tx, kind, workspace, min(numbers), max(numbers))


def _searched(kinds: Kinds, table: Owned) -> Kind | None:
    return next((kind for kind in kinds.searched if kind.plural == table.name), None)


def _end(tx: Tx, workspace: Workspace, manifest: Manifest, kinds: Kinds, members: list[Member]) -> None:
    """Begin anew what the system had left to do, and let the members in.

    Who has an account here joins now, so that their sign-ins begin where they did before.
    """
    _check_whole(tx, workspace)
    indexing.resume(tx, kinds, workspace)
    on_write.arrived(tx, workspace)
    for name in manifest.unfinished:
        if name in BEGUN_ANEW:
            BEGUN_ANEW[name](tx, workspace)
    for member in members:
        user, joined_at = accounts.find_user(tx.connection, member.email), ""
        if user is None:
            user, joined_at = accounts.insert_user(tx, member.email, member.user_id), member.joined_at
        accounts.insert_membership(tx, workspace.id, user.id, member.role, joined_at)


def _check_whole(tx: Tx, workspace: Workspace) -> None:
    """Raise Invalid where another import of the workspace took the place of this one."""
    if lookup.find(tx.connection, workspace.id) != workspace:
        raise Invalid(f"another import of {workspace.id} began meanwhile, and goes on")


def _erase(tx: Tx, workspace: Workspace, kinds: Kinds, chain: Chain) -> None:
    if lookup.find(tx.connection, workspace.id) == workspace and arriving.is_empty(tx.connection, workspace):
        erasure.erase(tx, kinds, chain, workspace)
