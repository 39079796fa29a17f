"""What was read of another service, in files without a name, which end with the program however it ends."""

import tempfile
from typing import Any, BinaryIO, cast

import msgspec

from crmkit.operate.sending import Upload

LONGEST = 1_000_000  # bytes of one row, which an import reads


class Spool:
    """Rows of an import, one after another, as JSON lines."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._file = cast("BinaryIO", tempfile.TemporaryFile("w+b"))  # noqa: SIM115  closed with this
        self.rows = 0

    def add(self, row: dict[str, Any]) -> bool:
        """Add a row, unless it is longer than an import reads; tell whether it was."""
        line = msgspec.json.encode(row)
        if len(line) > LONGEST:
            return False
        self._file.write(line + b"\n")
        self.rows += 1
        return True

    def upload(self) -> Upload:
        return Upload(f"{self._name}.jsonl", self._file)

    def close(self) -> None:
        self._file.close()
