"""Backups that are kept: the newest so many beside each other, and those that a server makes by itself."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

from crmkit.clock import Clock, moment
from crmkit.core.operating.backups import IsBackup, base_of, compact, kept, newest
from crmkit.operate.program import command
from crmkit.settings import Settings, SettingsError
from crmkit.storage.interface.brand import Backup, Brand

log = logging.getLogger("crmkit")

LOOK_SECONDS = 60  # between two looks whether one is due: clocks are set, machines sleep
FAILED_SECONDS = 600  # until one that failed is tried again
OTHER = "give it to the user that crmkit runs as, or name another [backup] folder"


class Failed(Exception):
    """A backup was not made; it says why."""


def back_up(brand: Brand, folder: Path, file: Path, keep: int | None, now: str) -> tuple[Backup, list[Path]]:
    """Make a backup of what a data folder holds; return it, and the earlier ones that were removed.

    With `keep` its name has the time, and of those that are called like it the newest so many stay, beside those of a
    time to come. Raises as Brand.backup.
    """
    place = file if keep is None else file.with_name(f"{file.stem}-{compact(now)}{file.suffix}")
    made = brand.backup(folder, place, part_of(file), now)
    own = partial(brand.is_backup_of, folder)
    try:
        outdated = [] if keep is None else [old for at, old in kept(file, own) if at <= moment(now)][keep:]
        for old in outdated:
            old.unlink(missing_ok=True)
    except OSError as error:
        told = f"{error.filename} cannot be read or changed: {error.strerror}"
        raise ValueError(f"{place} was written, but earlier backups were not removed: {told}") from None
    return made, outdated


def part_of(file: Path) -> Path:
    """Return what a backup is written to before it is whole: the same for all that are called like a file."""
    return file.with_name(f"{file.name}.part")


def check(settings: Settings) -> None:
    """Raise SettingsError where the server is to make backups in a place that they would be lost with."""
    if settings.backup.every_hours and settings.server.is_remote:
        raise SettingsError(
            "[backup] every_hours makes backups of a folder, and [server] data is a URL: leave it at 0, and use what "
            "that database has for backups"
        )
    data, folder = settings.server.folder.resolve(), base_of(settings).parent.resolve()
    if settings.backup.every_hours and data in (folder, *folder.parents):
        raise SettingsError(
            f"[backup] folder is {folder}, inside the data folder {data}: name one outside of it, best on another disk"
        )


async def make_regularly(settings: Settings, clock: Clock, is_backup: IsBackup) -> NoReturn:
    """Make a backup every so many hours, by a process beside the server; what fails is logged and tried again."""
    every, pause = timedelta(hours=settings.backup.every_hours), timedelta(seconds=FAILED_SECONDS)
    tried = None
    while True:
        now = clock()
        try:
            if is_past(tried, now, pause) and is_past(await _newest(settings, now, is_backup), now, every):
                tried = now
                await _make(settings)
        except Exception as error:
            tried = now
            told = "the backup failed, it is tried again in %d minutes: %s"
            log.warning(told, FAILED_SECONDS // 60, error, exc_info=not isinstance(error, Failed))
        await asyncio.sleep(LOOK_SECONDS)


def is_past(then: datetime | None, now: datetime, span: timedelta) -> bool:
    """Tell whether a moment is as long ago as a span, or lies ahead, because the clock was set back, or never was."""
    return then is None or not timedelta() <= now - then < span


async def _newest(settings: Settings, now: datetime, is_backup: IsBackup) -> datetime | None:
    """Return when the newest backup was made; raises Failed."""
    try:
        return await asyncio.to_thread(newest, settings, now, is_backup)
    except OSError as error:
        raise Failed(f"{error.filename} cannot be read: {error.strerror}; {OTHER}") from None


async def _make(settings: Settings) -> None:
    """Make a backup; raises Failed."""
    base = base_of(settings)
    try:
        await asyncio.to_thread(base.parent.mkdir, 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Failed(f"{error.filename} cannot be made or written: {error.strerror}; {OTHER}") from None
    try:
        await _run(*command(), "backup", str(base), "--keep", str(settings.backup.keep), *_data(settings))
    except asyncio.CancelledError:  # the server stops
        part_of(base).unlink(missing_ok=True)
        raise


def _data(settings: Settings) -> Sequence[str]:
    return "--data", settings.server.data


async def _run(program: str, *arguments: str) -> None:
    """Run a program; raises Failed with the last line that it wrote on standard error."""
    out, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(program, *arguments, stdin=out, stdout=out, stderr=pipe)
    except OSError as error:
        raise Failed(f"{program} cannot be started: {error.strerror}; restart the server if it was moved") from None
    try:
        _, told = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = told.decode(errors="replace").strip().splitlines() or [f"it ended with status {process.returncode}"]
        raise Failed(lines[-1].removeprefix("crmkit: "))
