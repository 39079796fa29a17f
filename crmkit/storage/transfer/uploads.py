"""Files that clients sent, in a folder of the data folder: of mode 0600, with names that nobody can guess."""

import errno
import hashlib
import os
import secrets
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock

from msgspec import Struct, field

from crmkit.errors import Problem
from crmkit.storage import growing
from crmkit.storage.growing import GrowingFile, flush
from crmkit.storage.interface.tx import Tx

FOLDER = "uploads"
RETRY = {"Retry-After": "60"}


class Upload(Struct):
    """A body that is in a file. The file is removed with the request, unless a unit keeps it."""

    path: Path
    size: int  # bytes
    digest: bytes  # of the file and the fields
    name: str = ""  # that the client gave the file; empty where it gave none
    content_type: str = ""  # that the client named
    fields: Mapping[str, str] = field(default_factory=dict)  # that stood beside the file in a form
    _is_named: bool = False  # by a unit that may not be durable
    _is_kept: bool = False

    def keep(self, tx: Tx) -> None:
        """Leave the file in the folder once this unit is durable, which writes its name."""

        async def effect() -> None:
            self._is_kept = True

        self._is_named = True
        tx.after(effect)

    def drop(self, is_cut: bool = False) -> None:
        """Remove the file, unless it is kept.

        Where the request `is_cut`, nobody knows whether a unit that named the file is durable: it is left to `clear`.
        """
        if not self._is_kept and not (is_cut and self._is_named):
            self.path.unlink(missing_ok=True)


class Uploads:
    """The folder of these files."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    def create(self) -> "Incoming":
        """Return a new file to write to; raises as Incoming.write."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            return Incoming(self._folder / secrets.token_hex(16))
        except OSError as error:
            raise cannot_write(error) from error

    def path(self, name: str) -> Path:
        """Return the path of a file that was kept, whose name was stored."""
        return self._folder / name

    def size(self, name: str) -> int:
        """Return the bytes of a file that was kept; 0 if it is gone."""
        try:
            return self.path(name).stat().st_size
        except FileNotFoundError:
            return 0

    def remove(self, name: str) -> None:
        """Remove a file that was kept; nothing happens if it is gone."""
        self.path(name).unlink(missing_ok=True)

    def clear(self, kept: Collection[str], seconds: float = 0) -> None:
        """Remove all files but those with these names and those that were written in the last seconds.

        When the server starts, no request has one.
        """
        if self._folder.is_dir():
            for file in self._folder.iterdir():
                with suppress(FileNotFoundError):  # another request has just removed it
                    if file.name not in kept and time.time() - file.stat().st_mtime >= seconds:
                        file.unlink()


class Incoming:
    """A file that is written in pieces, by threads that are not always waited for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hash = hashlib.sha256()
        raw = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb", buffering=0)
        self._file = GrowingFile(raw, growing.LOOK_BYTES)  # a small one is taken by a disk that is nearly full
        self._lock = Lock()  # nothing is written once the file is closed, whose number is another file's by then

    def write(self, piece: bytes) -> None:
        """Append a piece; raises `not_ready` where the disk takes no more, for a large file where it is nearly full."""
        with self._lock:
            if self._file.raw.closed:
                return
            try:
                self._file.write(piece)
            except OSError as error:
                raise cannot_write(error) from error
        self._hash.update(piece)

    def finish(self, name: str, content_type: str, fields: Mapping[str, str]) -> Upload:
        """Return the file as an Upload, once it is on the disk; raises as `write`."""
        with self._lock:
            try:
                os.fsync(self._file.raw.fileno())
                self._file.raw.close()
                flush(self.path.parent)
            except OSError as error:
                raise cannot_write(error) from error
        for pair in sorted(fields.items()):
            self._hash.update(repr(pair).encode())
        return Upload(self.path, self._file.size, self._hash.digest(), name, content_type, fields)

    def drop(self) -> None:
        """Close the file and remove it."""
        with self._lock:
            self._file.raw.close()
        self.path.unlink(missing_ok=True)


def cannot_write(error: OSError) -> Problem:
    """Return the Problem of a file that the disk did not take."""
    why = "is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "cannot be written"
    hint = f"The server's disk {why}, so the file was not taken and nothing was changed. Tell the operator."
    return Problem("not_ready", hint, headers=RETRY)
