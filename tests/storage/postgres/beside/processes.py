"""Real processes that share a PostgreSQL and a folder of files."""

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from tests import postgres
from tests.house import UNLIMITED, Process, process
from tests.webhooks.receiver import until

ENVIRON = {**UNLIMITED, "CRMKIT_WEBHOOKS_ALLOW": "127.0.0.0/8"}


class Processes:
    """Those that run, all of one database."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self.running: list[Process] = []

    def start(self, *arguments: str, **environ: str) -> Process:
        """Start one more."""
        one = self._stack.enter_context(process(self.folder, *arguments, **{**ENVIRON, **environ}))
        self.running.append(one)
        return one

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows that a stranger to the programs finds."""
        from crmkit.storage.postgres.engine.connection import connect

        with closing(connect(postgres.url(self.folder))) as connection:
            return connection.execute(sql).fetchall()

    def working(self) -> Process:
        """Return the one that does the work beside requests, once there is one that is alive."""
        found: Process = until(self._working, 30)
        return found

    def others(self) -> list[Process]:
        working = self.working()
        return [each for each in self.running if each is not working]

    def _working(self) -> Process | None:
        sql = "SELECT holder FROM leases WHERE until > now() AND name = 'beside requests'"
        holders = [int(holder.split(":")[1]) for (holder,) in self.rows(sql)]
        return next((each for each in self.running if each.popen.pid in holders and each.popen.poll() is None), None)
