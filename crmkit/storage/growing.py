"""A file that grows by pieces, while the disk has room; waiting until the disk has what was written."""

import errno
import os
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


def flush(path: Path) -> None:
    """Return once the disk has a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
