"""Backups that are kept: the newest so many beside each other, and those that a server makes by itself."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

from crmkit.clock import Clock
from crmkit.core.operating.backups import base_of, compact, earlier, newest
from crmkit.operate.program import command
from crmkit.settings import Settings, SettingsError
from crmkit.storage.interface.brand import Backup, Brand

log = logging.getLogger("crmkit")

LOOK_SECONDS = 60  # between two looks whether one is due: clocks are set, machines sleep
FAILED_SECONDS = 600  # until one that failed is tried again


def back_up(brand: Brand, folder: Path, file: Path, keep: int | None, now: str) -> tuple[Backup, list[Path]]:
    """Make a backup of what a data folder holds; return it, and the earlier ones that were removed.

    With `keep` its name has the time, and of those that are called like it the newest so many stay. Raises as
    Brand.backup.
    """
    place = file if keep is None else file.with_name(f"{file.stem}-{compact(now)}{file.suffix}")
    made = brand.backup(folder, place, part_of(file), now)
    outdated = [] if keep is None else earlier(file)[keep:]
    for old in outdated:
        old.unlink(missing_ok=True)
    return made, outdated


def part_of(file: Path) -> Path:
    """Return what a backup is written to before it is whole: the same for all that are called like a file."""
    return file.with_name(f"{file.name}.part")


def check(settings: Settings) -> None:
    """Raise SettingsError where the server is to make backups in a place that they would be lost with."""
    data, folder = Path(settings.server.data).resolve(), base_of(settings).parent.resolve()
    if settings.backup.every_hours and data in (folder, *folder.parents):
        raise SettingsError(
            f"[backup] folder is {folder}, inside the data folder {data}: name one outside of it, best on another disk"
        )


async def make_regularly(settings: Settings, clock: Clock) -> NoReturn:
    """Make a backup every so many hours, by a process beside the server; one that fails is logged and tried again."""
    every, pause = timedelta(hours=settings.backup.every_hours), timedelta(seconds=FAILED_SECONDS)
    tried = None
    while True:
        now = clock()
        if is_past(newest(settings), now, every) and is_past(tried, now, pause):
            tried, error = now, await _made(settings)
            if error:
                log.warning("the backup failed, it is tried again in %d minutes: %s", FAILED_SECONDS // 60, error)
        await asyncio.sleep(LOOK_SECONDS)


def is_past(then: datetime | None, now: datetime, span: timedelta) -> bool:
    """Tell whether a moment is as long ago as a span, or lies ahead, because the clock was set back, or never was."""
    return then is None or not timedelta() <= now - then < span


async def _made(settings: Settings) -> str:
    """Make a backup; return what it failed with, empty where it did not."""
    base = base_of(settings)
    try:
        base.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return await _run(*command(), "backup", str(base), "--keep", str(settings.backup.keep), *_data(settings))
    except OSError as error:
        return f"{base.parent} cannot be written: {error.strerror or error}"
    except asyncio.CancelledError:  # the server stops
        part_of(base).unlink(missing_ok=True)
        raise


def _data(settings: Settings) -> Sequence[str]:
    return "--data", settings.server.data


async def _run(*words: str) -> str:
    """Run a program; return the last line that it wrote on standard error if it failed."""
    out, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdin=out, stdout=out, stderr=pipe)
    try:
        _, told = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = told.decode(errors="replace").strip().splitlines()
    if not process.returncode:
        return ""
    return lines[-1].removeprefix("crmkit: ") if lines else f"it ended with status {process.returncode}"
