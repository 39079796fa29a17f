"""Why the data folder cannot be used: one line for the operator, with the folder, the user, and what to do."""

import errno
import os
import pwd
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crmkit.storage.interface.database import Unusable

OTHER = "name another folder with --data"


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Run a block that works on the files of the folder; its OSError becomes Unusable, which says what to do."""
    try:
        yield
    except OSError as error:
        raise Unusable(why_not(folder, error)) from None


def is_of(folder: Path, error: OSError) -> bool:
    """Tell whether the error names the folder, or what is in it."""
    named = isinstance(error.filename, str | os.PathLike)
    return named and Path(os.path.abspath(error.filename)).is_relative_to(os.path.abspath(folder))


def is_read_only(folder: Path) -> bool:
    """Tell whether nothing can be written to the file system of the folder."""
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def why_not(folder: Path, error: OSError) -> str:
    """Return what is wrong with the folder, on whose files the error was raised."""
    folder = folder.absolute()
    user = _name(os.geteuid())
    match error.errno:
        case errno.EROFS:
            return f"the data folder {folder} is on a read-only file system, where {user} cannot write: {OTHER}"
        case errno.ENOSPC:
            return f"the disk is full where the data folder {folder} is: free some space and start again"
        case errno.EDQUOT:
            return f"{user} may take no more of the disk that the data folder {folder} is on: raise the quota"
        case errno.EEXIST | errno.ENOTDIR:
            return f"the data folder {folder} cannot be made by {user}: {_obstacle(folder)}, or {OTHER}"
        case errno.EACCES | errno.EPERM:
            return _forbidden(folder, Path(error.filename or folder).absolute(), user)
    return f"{user} cannot use the data folder {folder}: {error.strerror}; {OTHER}"


def _obstacle(folder: Path) -> str:
    """Return what stands where a folder should be."""
    for path in (*reversed(folder.parents), folder):
        if os.path.islink(path) and not os.path.exists(path):
            return f"{path} is a link to {os.path.realpath(path)}, which does not exist; make that folder"
        if os.path.lexists(path) and not os.path.isdir(path):
            return f"{path} is a file; move it away"
    return "something that is no folder stands in its way; move it away"


def _forbidden(folder: Path, path: Path, user: str) -> str:
    """Return whose the folder, a file in it, or the folder around it is, and the command that gives it to the user."""
    me, quoted = shlex.quote(user.removeprefix("user ")), shlex.quote(str(folder))
    if not os.path.lexists(folder):
        above = next(parent for parent in folder.parents if os.path.lexists(parent))
        return (
            f"the data folder {folder} cannot be made: {user} may not write in {above}, which belongs to "
            f"{_owner(above)}; as root: install -d -m 700 -o {me} {quoted}, or {OTHER}"
        )
    give = f"as root: chown -R {me} {quoted}"
    if os.path.isdir(folder) and _owner(folder) != user:
        inside = folder / "crmkit"
        other = (
            f"take one inside it: --data {shlex.quote(str(inside))}" if os.access(folder, os.W_OK | os.X_OK) else OTHER
        )
        return (
            f"the data folder {folder} belongs to {_owner(folder)} and crmkit runs as {user}, who cannot make it "
            f"private (mode 0700); {give}, or {other}"
        )
    if _owner(path) != user:
        return f"{path} in the data folder belongs to {_owner(path)} and crmkit runs as {user}; {give}"
    return f"{user} may not use {path} in the data folder, though it is theirs: chmod u+rw {shlex.quote(str(path))}"


def _owner(path: Path) -> str:
    try:
        return _name(os.lstat(path).st_uid)
    except OSError:
        return "somebody else"


def _name(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"
