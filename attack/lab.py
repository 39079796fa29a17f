"""What a campaign works with: how long it may be, a folder that goes with it, and the programs that it started."""

import random
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attack import program
from attack.program import Program
from attack.report import Row

SEED = 20260610  # the same attacks every time


class Lab:
    """The place of one campaign. `folder` is its own; a program that still runs at the end is killed."""

    def __init__(self, folder: Path, is_long: bool) -> None:
        self.folder, self.is_long = folder, is_long
        self.choice = random.Random(SEED)
        self._started: list[Program] = []

    def many(self, short: int, long: int) -> int:
        """Return how many of something the form of this run has."""
        return long if self.is_long else short

    async def start(self, data: Path | str = "data", **more: Any) -> Program:
        """Return the program, started on a data folder of this campaign; see `program.start`."""
        started = await program.start(self.folder / data, **more)
        self._started.append(started)
        return started

    async def end(self) -> None:
        for started in self._started:
            await started.end()


Campaign = Callable[[Lab], AsyncGenerator[Row, None]]


@asynccontextmanager
async def lab(is_long: bool) -> AsyncIterator[Lab]:
    """Yield the place of a campaign; its programs and its folder go at the end."""
    folder = Path(tempfile.mkdtemp(prefix="crmkit-attack-"))
    made = Lab(folder, is_long)
    try:
        yield made
    finally:
        await made.end()
        shutil.rmtree(folder, ignore_errors=True)
