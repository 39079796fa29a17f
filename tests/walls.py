"""A PostgreSQL that shows each piece of work the rows of its own workspace alone, whatever its statements ask for.

The servers and desks of the tests run on it with `python -m tests.postgres --walls …`. They connect as a role that
row-level security holds to what `crm.workspaces` names; the database below names it before each read, and for each
lane of a unit. So a statement that forgets its workspace finds nothing of others, and writes nothing of theirs. What
looks over workspaces on purpose is in EVERYWHERE; tables that belong to people and not to a workspace are OPEN.
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial
from inspect import getclosurevars
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from crmkit.clock import Clock
from crmkit.model.actor import Actor
from crmkit.storage.interface.brand import Brand
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import Lane, Lanes
from crmkit.storage.interface.tx import Tx, Unit
from crmkit.storage.postgres.brand import postgres
from crmkit.storage.postgres.engine import transactions
from crmkit.storage.postgres.engine.database import PostgresDatabase
from crmkit.storage.postgres.engine.lanes import LaneTx

T = TypeVar("T")

ROLE = "walled"
ALL = "*"
# of people, who may belong to several workspaces: who somebody is must be known before it is known where they are
OPEN = {"tokens", "memberships", "invites", "grants"}
# of units that name no workspace: work of the system, which looks what is to be done in any of them, or goes on with
# what was asked for before; what is read for calls that wait; links, found by their secret; workspaces that invite
EVERYWHERE = {
    "core.duplicates.catching_up.step",
    "core.duplicates.listing.newest",
    "core.erasure.job.Input.ids",
    "core.erasure.job._traces",
    "core.examining.plans.examine",
    "core.examining.running._begin",
    "core.examining.running._stands",
    "core.followed.count_due",
    "core.followed.is_due",
    "core.jobs.runner._Runner._begin.<locals>.<lambda>",
    "core.jobs.runner._Runner._end.<locals>.unit",
    "core.jobs.runner._Runner._look.<locals>.<lambda>",
    "core.jobs.runner._Runner._pause.<locals>.<lambda>",
    "core.jobs.runner._Runner._released",
    "core.jobs.runner._Runner._step.<locals>.unit",
    "core.oauth.connect.choices.<locals>.unit",
    "core.oauth.connect.choose.<locals>.unit",
    "core.oauth.connect.prove.<locals>.unit",
    "core.operating.figures._counted",
    "core.pruning.sweep.Step.of.<locals>.<lambda>",
    "core.transfer.imports.job.end.<locals>.close.<locals>.<lambda>",
    "core.transfer.links.verbs.opened.<locals>.read",
    "core.upkeep._scrubbed",
    "core.webhooks.message.body",
    "core.webhooks.sending._looked",
    "core.webhooks.waking._behind",
    "core.webhooks.waking._paused",
    "core.webhooks.waking._wake.<locals>.unit",
    "core.webhooks.waking.resume.<locals>.<lambda>",
    "storage.duplicates.unpaired.first",
    "storage.erasure.beside.rows",
    "storage.erasure.log.found",
    "storage.jobs.add",
    "storage.jobs.due",
    "storage.jobs.find",
    "storage.jobs.stop",
    "storage.log.checking.check",
    "storage.log.entries.nouns_after",
    "storage.log.outdated.outdated",
    "storage.log.seals.late",
    "storage.log.seals.waiting",
    "storage.people.tokens.touch",
    "storage.postgres.search.texts.TrigramTexts.index",
    "storage.postgres.search.texts.TrigramTexts.is_scattered",
    "storage.postgres.search.texts.TrigramTexts.merge",
    "storage.postgres.search.texts.TrigramTexts.waits",
    "storage.requests.briefs.put",
    "storage.transfer.kept.names",
    "storage.webhooks.keys.listening",
    "storage.workspaces.erasure.pending",
}

_SEEN = "current_setting('crm.workspaces', true)"
_POLICY = f"({_SEEN} = '{ALL}' OR workspace_id = ANY (string_to_array({_SEEN}, ',')))"


def build(connection: Any) -> None:
    """Put the walls into a database, and let the role in; a role is of the whole server, so it may be there."""
    tables = connection.execute(
        "SELECT table_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND column_name = 'workspace_id'"
    ).fetchall()
    for (table,) in tables:
        if table not in OPEN:
            connection.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
            connection.execute(f'CREATE POLICY walls ON "{table}" USING {_POLICY}')
    connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLE}")
    connection.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")


class WalledDatabase(PostgresDatabase):
    """Each piece of work sees the workspace of its actor, or those of its lanes."""

    async def read(self, actor: Actor | None, work: Callable[..., T], *args: Any) -> T:
        return await super().read(actor, _seeing(actor, work), *args)

    async def read_cached(self, work: Callable[..., T], *args: Any) -> T:
        return await super().read_cached(_seeing(None, work), *args)

    async def _read(self, by: Any, work: Callable[..., T], *args: Any) -> T:
        """Read on a connection that this has to itself, since what is seen is set on it before."""
        return await super()._read(self._threads, work, *args)

    async def scan(self, actor: Actor | None, work: Callable[..., T], *args: Any) -> T:
        return await super().scan(actor, _seeing(actor, work), *args)

    def stream(
        self, actor: Actor, work: Callable[..., Iterator[bytes]], *args: Any, is_whole: bool = False
    ) -> AsyncGenerator[bytes, None]:
        return super().stream(actor, _seeing(actor, work), *args, is_whole=is_whole)

    async def write(
        self, unit: Unit[T], actor: Actor | None = None, lanes: Lanes | None = None, silent: bool = False
    ) -> T:
        return await super().write(partial(_walled, unit), actor, lanes, silent)

    def write_later(self, key: Any, unit: Unit[Any]) -> None:
        super().write_later(key, partial(_walled, unit))


class _WalledTx(LaneTx):
    """A Tx that sees the workspaces of its lanes, of those that it enters too, unless it sees all."""

    def enter(self, *lanes: Lane) -> None:
        super().enter(*lanes)
        if self.connection.execute(f"SELECT {_SEEN}").fetchone() != (ALL,):
            _see(self.connection, _of_lanes(self.lanes))


def _seeing(actor: Actor | None, work: Callable[..., T]) -> Callable[..., T]:
    seen = ALL if _is_everywhere(work) else "" if actor is None else actor.workspace_id

    def walled(connection: Connection, *args: Any) -> T:
        connection.execute("SELECT set_config('crm.workspaces', ?, FALSE)", (seen,)).fetchone()
        return work(connection, *args)

    return walled


def _walled(unit: Unit[T], tx: Tx) -> T:
    named = "" if name_of(unit).startswith("tests.") else _of_lanes(tx.lanes)
    _see(tx.connection, named or (ALL if _is_everywhere(unit) else ""))
    return unit(tx)


def _see(connection: Connection, seen: str) -> None:
    connection.execute("SELECT set_config('crm.workspaces', ?, TRUE)", (seen,)).fetchone()


def _of_lanes(lanes: Any) -> str:
    return ",".join(lane for lane in lanes if lane.startswith("ws_"))


def name_of(work: Callable[..., Any]) -> str:
    """Return what EVERYWHERE calls a piece of work, of a unit that a Call checks what that is."""
    while True:
        if isinstance(work, partial):
            work = work.func
        elif getattr(work, "__qualname__", "") == "Call.write.<locals>.checked":
            work = getclosurevars(work).nonlocals["unit"]
        else:
            break
    return f"{work.__module__}.{getattr(work, '__qualname__', type(work).__qualname__)}".removeprefix("crmkit.")


def _is_everywhere(work: Callable[..., Any]) -> bool:
    name = name_of(work)
    return name in EVERYWHERE or name.startswith("tests.")


def walled(url: str) -> Brand:
    """Return the brand of a database with walls, at its address for whoever is let in everywhere."""
    transactions.LaneTx = _WalledTx  # type: ignore[misc]
    own = url.replace("postgresql://postgres@", f"postgresql://{ROLE}@")

    def opened(folder: Path, clock: Clock) -> WalledDatabase:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return WalledDatabase(own, folder, clock)

    return replace(postgres(url), open=opened)
