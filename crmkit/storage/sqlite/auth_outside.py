"""How a process that serves notices at once that another changed who may do what: by bytes of the file of the lock."""

import mmap
import os
from pathlib import Path

from crmkit.storage.sqlite.engine.folder import LOCK

_PLACE = slice(32, 48)  # behind the number of the process that serves
_LENGTH = mmap.PAGESIZE


class Outside:
    """The bytes as they were looked at last. The process that holds the lock makes one, and looks before each request:
    that costs no call of the system."""

    def __init__(self, lock: int) -> None:
        """`lock` is the descriptor of the file, which only who holds it makes shorter."""
        os.ftruncate(lock, _LENGTH)
        self._file = mmap.mmap(lock, _LENGTH, prot=mmap.PROT_READ)
        self._seen = self._file[_PLACE]

    def has_changed(self) -> bool:
        """Tell whether another process has changed something since the last look."""
        now = self._file[_PLACE]
        if now == self._seen:
            return False
        self._seen = now
        return True

    def close(self) -> None:
        self._file.close()


def tell(folder: Path) -> None:
    """Have the process that serves the folder, if there is one, notice a change that was committed."""
    descriptor = os.open(folder / LOCK, os.O_WRONLY)
    try:
        os.pwrite(descriptor, os.urandom(_PLACE.stop - _PLACE.start), _PLACE.start)
    finally:
        os.close(descriptor)
