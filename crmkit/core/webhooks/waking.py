"""Wakes the jobs of webhooks once the log of their workspace has more. A write does nothing for that, and tells nobody
new: the task listens to the commits of workspaces where a webhook sends, and to no others.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import ExitStack
from typing import NoReturn

from crmkit.core.call import Call
from crmkit.core.webhooks.on_write import TOPIC
from crmkit.errors import Problem
from crmkit.model.events.names import PAUSED, SENDS
from crmkit.storage import jobs
from crmkit.storage.interface.commits import RIGHTS, Listener
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import entries
from crmkit.storage.webhooks import keys

log = logging.getLogger("crmkit")

REST_SECONDS = 0.1  # between two looks: the commits of that time are looked at together
LOOK_SECONDS = 60  # between two looks at all workspaces: another program may have written
FAILED_SECONDS = 60


class _OfWorkspace(Listener):
    """The listener of one workspace, which notes that this was told something."""

    def __init__(self, workspace: Workspace, told: set[Workspace], bell: asyncio.Event) -> None:
        super().__init__()
        self._workspace, self._workspaces, self._bell = workspace, told, bell

    def wake(self) -> None:
        self._workspaces.add(self._workspace)
        self._bell.set()


async def wake_webhooks(call: Call) -> NoReturn:
    """Wake what has something to send until cancelled. A failure of the database is logged and tried again."""
    while True:
        try:
            await _listen(call)
        except Exception as error:
            line = call.crm.database.log_throttle.line(str(error.__cause__ or error))
            if line:
                log.warning("webhooks wait: %s", line, exc_info=not isinstance(error, Problem))
            await asyncio.sleep(FAILED_SECONDS)


async def _listen(call: Call) -> None:
    """Wake jobs until a webhook comes, goes, or sends again, or rights change."""
    commits, told, bell = call.crm.database.commits, set[Workspace](), asyncio.Event()
    with commits.listener(TOPIC, RIGHTS) as changed, ExitStack() as listeners:
        every = await call.read(keys.listening, SENDS)
        for workspace in every:
            listeners.enter_context(commits.listener(workspace.id, by=_OfWorkspace(workspace, told, bell)))
        await _wake(call, await call.read(_paused))
        await _wake(call, await call.read(_behind, every))
        waits = asyncio.create_task(changed.wait())
        try:
            while not waits.done():
                await asyncio.sleep(REST_SECONDS)
                rings = asyncio.create_task(bell.wait())
                await asyncio.wait([waits, rings], timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                rings.cancel()
                looked = set(told) if bell.is_set() else every
                told.clear()
                bell.clear()
                await _wake(call, await call.read(_behind, looked))
        finally:
            waits.cancel()


async def _wake(call: Call, found: list[tuple[str, str]]) -> None:
    def unit(tx: Tx) -> None:
        for place in found:
            jobs.wake_one(tx, *place)

    if found:
        await call.write(unit, ANYWHERE, silent=True)


def _behind(connection: Connection, workspaces: Iterable[Workspace]) -> list[tuple[str, str]]:
    """Return (workspace, job) of the webhooks whose log has more."""
    return [
        (workspace.id, job)
        for workspace in workspaces
        for job in keys.waiting(connection, workspace, SENDS, entries.newest(connection, workspace))
    ]


def _paused(connection: Connection) -> list[tuple[str, str]]:
    """Return (workspace, job) of the webhooks whose maker lacked a right."""
    return [
        (workspace.id, job)
        for workspace in keys.listening(connection, PAUSED)
        for job in keys.waiting(connection, workspace, PAUSED, workspace.last)
    ]
