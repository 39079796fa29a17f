"""The backups that a server keeps, by their names, and whether the newest is as old as it may be."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from crmkit.clock import moment, stamp
from crmkit.settings import Settings
from crmkit.storage.interface.database import Finding

FILE = "crmkit.db"  # what the backups that a server makes are called, but for the time
_TIME = r"\d{8}T\d{6}Z"


def base_of(settings: Settings) -> Path:
    """Return the path of the backups that a server makes, but for the time."""
    return Path(settings.backup.folder) / FILE


def compact(now: str) -> str:
    """Return a stamp as names of files have it: `20260610T090000Z`."""
    return now.replace("-", "").replace(":", "")


def earlier(file: Path) -> list[Path]:
    """Return the backups that were kept under the name of a file and a time, the newest first."""
    name = re.compile(f"{re.escape(file.stem)}-{_TIME}{re.escape(file.suffix)}")
    found = (other for other in file.parent.glob("*") if name.fullmatch(other.name) and other.is_file())
    return sorted(found, reverse=True)


def newest(settings: Settings) -> datetime | None:
    """Return when the newest backup was made that is in `[backup] folder`; None where there is none."""
    found = earlier(base_of(settings))
    return moment(found[0].stem[-len("20260610T090000Z") :]) if found else None


def examine(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Yield how old the newest backup is, where the server is to make some by itself."""
    hours = settings.backup.every_hours
    if not hours:
        return
    made, folder = newest(settings), Path(settings.backup.folder).absolute()
    advice = "the log of the server says why none was made; `crmkit backup FILE` makes one now"
    if made is None:
        yield Finding("backup", False, f"none is in {folder}, where one is due every {hours} hours; {advice}")
        return
    is_late = now - made > timedelta(hours=2 * hours)
    told = f"the newest is of {stamp(made)}, in {folder}"
    yield Finding("backup", not is_late, f"{told}, and one is due every {hours} hours; {advice}" if is_late else told)
