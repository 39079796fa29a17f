"""A file that nobody seeks in: what is written to it is taken away in pieces."""

import io
from typing import Any


class Pieces(io.RawIOBase):
    """What a ZIP file is written to while it is sent."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        self._parts.append(bytes(content))
        return len(content)

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        found, self._parts = b"".join(self._parts), []
        return found
