"""The files of imports: those that jobs read are open from one step to the next, those of plans are known.

`OpenFiles` and `PlannedFiles` are of one process: after a restart a file is read again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import Any, Protocol

from msgspec import Struct

from crmkit.errors import Problem

MOST = 2  # imports that run at once; one of a workspace
MOST_PLANNED = 4  # files that were planned, which their jobs need not read through again; each takes up to 24 MiB


class Rows(Protocol):
    """What gives the rows of a file after one, by its number."""

    def rows(self, after: int = 0) -> Iterator[Any]: ...


class OpenFile(Struct):
    """A file that a job reads: its rows after the one numbered `at`."""

    workspace_id: str
    source: Any
    at: int
    waiting: Iterator[Any]


class OpenFiles:
    """Holds the files that jobs read, by the ids of the jobs, so that a step need not look for its place."""

    def __init__(self) -> None:
        self._open: dict[str, OpenFile] = {}

    def others(self, job_id: str, workspace_id: str) -> list[tuple[str, str]]:
        """Return the jobs (workspace, id) of which one must end before this one may begin; none if it has begun."""
        if job_id in self._open:
            return []
        every = [(each.workspace_id, id) for id, each in self._open.items()]
        return [pair for pair in every if pair[0] == workspace_id] or (every if len(every) >= MOST else [])

    async def next_rows(
        self, job_id: str, workspace_id: str, at: int, most: int, opened: Callable[[], Awaitable[tuple[Any, Rows]]]
    ) -> tuple[Any, list[Any]]:
        """Return what was opened, and the next rows after the one numbered `at`; none at the end of the file."""
        held = self._open.get(job_id)
        if held is None or held.at != at:  # the step before was taken back, or the server has started
            self._open[job_id] = OpenFile(workspace_id, None, -1, iter(()))  # nobody else begins meanwhile
            try:
                source, table = await opened()
            except BaseException:
                self.close(job_id)
                raise
            held = self._open[job_id] = OpenFile(workspace_id, source, at, table.rows(after=at))
        try:
            found = await asyncio.to_thread(list, islice(held.waiting, most))
        except FileNotFoundError:
            self.close(job_id)
            raise gone() from None
        if found:
            held.at = found[-1].number
        return held.source, found

    def close(self, job_id: str) -> None:
        """Forget the file of a job that has ended."""
        self._open.pop(job_id, None)


class PlannedFiles:
    """Holds what was found out about files that were planned, by their names, for the jobs that import them."""

    def __init__(self) -> None:
        self._planned: dict[str, Any] = {}

    def keep(self, file: str, source: Any) -> None:
        """Keep what was found out about the file of this name, of an import that is planned."""
        self._planned.pop(file, None)
        self._planned[file] = source
        if len(self._planned) > MOST_PLANNED:
            del self._planned[next(iter(self._planned))]

    def take(self, file: str) -> Any:
        """Return what was kept of a file, which is kept no more; None where nothing is."""
        return self._planned.pop(file, None)


def gone() -> Problem:
    return Problem("not_found", "The file of this import is gone: send it again.")
