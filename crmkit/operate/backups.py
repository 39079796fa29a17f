"""Backups that are kept: the newest so many beside each other."""

import re
from pathlib import Path

from crmkit.storage.interface.brand import Backup, Brand

_TIME = r"\d{8}T\d{6}Z"


def back_up(brand: Brand, folder: Path, file: Path, keep: int | None, now: str) -> tuple[Backup, list[Path]]:
    """Make a backup of what a data folder holds; return it, and the earlier ones that were removed.

    With `keep` its name has the time, and of those that are called like it the newest so many stay. Raises as
    Brand.backup.
    """
    place = file if keep is None else file.with_name(f"{file.stem}-{compact(now)}{file.suffix}")
    made = brand.backup(folder, place, file.with_name(f"{file.name}.part"), now)
    outdated = [] if keep is None else earlier(file)[keep:]
    for old in outdated:
        old.unlink(missing_ok=True)
    return made, outdated


def compact(now: str) -> str:
    """Return a stamp as names of files have it: `20260610T090000Z`."""
    return now.replace("-", "").replace(":", "")


def earlier(file: Path) -> list[Path]:
    """Return the backups that were kept under the name of a file and a time, the newest first."""
    name = re.compile(f"{re.escape(file.stem)}-{_TIME}{re.escape(file.suffix)}")
    return sorted((other for other in file.parent.glob("*") if name.fullmatch(other.name)), reverse=True)
