"""The backups that a server keeps, by their names, and whether the newest is as old as it may be."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from crmkit.clock import moment, stamp
from crmkit.settings import Settings
from crmkit.storage.interface.database import Finding

FILE = "crmkit.db"  # what the backups that a server makes are called, but for the time
IsBackup = Callable[[Path], bool]  # whether a file is a backup of this installation

_TIME = r"(\d{8}T\d{6}Z)"


def base_of(settings: Settings) -> Path:
    """Return the path of the backups that a server makes, but for the time."""
    return Path(settings.backup.folder) / FILE


def compact(now: str) -> str:
    """Return a stamp as names of files have it: `20260610T090000Z`."""
    return now.replace("-", "").replace(":", "")


def kept(file: Path, is_backup: IsBackup) -> list[tuple[datetime, Path]]:
    """Return the backups that were kept under the name of a file and a time, the newest first; raises OSError.

    What is called like one, and is none of this installation, is left out.
    """
    name, found = re.compile(f"{re.escape(file.stem)}-{_TIME}{re.escape(file.suffix)}"), []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(file.parent) as entries:
        for entry in entries:
            is_named = name.fullmatch(entry.name)
            if is_named and is_backup(file.with_name(entry.name)):
                with suppress(ValueError):  # digits that are no time
                    found.append((moment(is_named[1]), file.with_name(entry.name)))
    return sorted(found, reverse=True)


def newest(settings: Settings, now: datetime, is_backup: IsBackup) -> datetime | None:
    """Return when the newest backup was made that is in `[backup] folder`; None where there is none.

    One that is called by a time to come, since the clock was wrong, is not counted. Raises OSError.
    """
    return next((made for made, _ in kept(base_of(settings), is_backup) if made <= now), None)


def examine(settings: Settings, now: datetime, is_backup: IsBackup, beside: bool = False) -> Iterator[Finding]:
    """Yield how old the newest backup is, where the server is to make some by itself; it waits for the disk.

    `beside` the server, a folder that is not named in full may be another one than the server's.
    """
    hours = settings.backup.every_hours
    if not hours:
        return
    folder = Path(settings.backup.folder).absolute()
    is_sure = not beside or os.path.isabs(settings.backup.folder)
    if not is_sure and not os.path.lexists(folder):
        told = f"not looked at, since [backup] folder is {settings.backup.folder} where the server was started"
        yield Finding("backup", True, f"{told}, and not here: ask GET /doctor, or name it in full")
        return
    advice = "the log of the server says why none was made; `crmkit backup FILE` makes one now"
    if not is_sure:
        advice += "; a server that was started in another folder has them there: name [backup] folder in full"
    try:
        found = kept(base_of(settings), is_backup)
        made = next((at for at, _ in found if at <= now), None)
        ahead = [file.name for at, file in found if at > now]
    except OSError as error:
        yield Finding("backup", False, f"{error.filename or folder} cannot be read ({error.strerror}); {advice}")
        return
    told = f"none is in {folder}, where" if made is None else f"the newest is of {stamp(made)}, in {folder}"
    is_late = made is None or now - made > timedelta(hours=2 * hours)
    if is_late:
        told += f"{'' if made is None else ', and'} one is due every {hours} hours; {advice}"
    elif ahead:
        told += f"; {ahead[0]} there is of a time to come: set the clock right, or move that file away"
    yield Finding("backup", not is_late and not ahead, told)
