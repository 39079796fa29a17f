"""Files written in pieces: while the disk has room; there whole or not at all; waiting until the disk has them."""

import errno
import os
from collections.abc import Iterable
from io import FileIO
from pathlib import Path

FREE_BYTES = 256 << 20  # that large files leave on the disk, for the database
LOOK_BYTES = 8 << 20  # of one file, written between two looks at how full the disk is


class GrowingFile:
    """Writes pieces behind each other into a file without a buffer; `size` is in bytes."""

    def __init__(self, raw: FileIO, looks_at: int = 0) -> None:
        """Look at how full the disk is from the size `looks_at` on."""
        self.raw = raw
        self.size = 0
        self._looks_at = looks_at

    def write(self, piece: bytes) -> None:
        """Append a piece; raises OSError where the disk does not take it, ENOSPC also where it is nearly full."""
        if self.size >= self._looks_at:
            self._looks_at = self.size + LOOK_BYTES
            if _is_nearly_full(self.raw.fileno()):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left = memoryview(piece)
        while left:
            left = left[self.raw.write(left) or 0 :]
        self.size += len(piece)


def _is_nearly_full(descriptor: int) -> bool:
    """Tell whether the disk of an open file has less room than large files are to leave."""
    disk = os.fstatvfs(descriptor)
    return disk.f_bavail * disk.f_frsize < FREE_BYTES


def written(file: Path, pieces: Iterable[bytes]) -> None:
    """Write a file of mode 0600, in place of one of that name: under another one, flushed and renamed."""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as sink:
        for piece in pieces:
            sink.write(piece)
        sink.flush()
        os.fsync(sink.fileno())
    part.replace(file)


def flush(path: Path) -> None:
    """Return once the disk has a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
