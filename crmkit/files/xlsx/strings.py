"""The texts that cells of a workbook share, kept in a file that has no name."""

import os
import re
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from crmkit.errors import Problem
from crmkit.files.table import invalid
from crmkit.files.xlsx.archive import Archive

MOST_TEXT = 200_000  # characters of a cell; Excel's own limit is 32,767
_MOST_STRINGS = 3_000_000
_KEPT = 4096  # texts of up to _SHORT characters that are in memory
_SHORT = 200
_CODED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Strings:
    """The shared texts of a workbook, each by its number."""

    def __init__(self, archive: Archive, name: str, folder: Path) -> None:
        """Read the part `name`. The file is in `folder` and goes with this object.

        Raises Problem, `not_ready` where the disk has no room.
        """
        self._kept: dict[int, str] = {}
        self._ends = array("Q", [0])
        try:
            self._file = tempfile.TemporaryFile(dir=folder, buffering=1 << 16)  # noqa: SIM115  as long as this lives
            for text in _texts(archive, name):
                self._ends.append(self._ends[-1] + self._file.write(text.encode("utf-8", "surrogatepass")))
            self._file.flush()
        except OSError:
            raise Problem("not_ready", "The server's disk has no room to read the workbook. Try again later.") from None

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            with suppress(OSError):  # what could not be written
                self._file.close()

    def at(self, number: int) -> str:
        """Return the text of this number. Raises Problem where there is none."""
        found = self._kept.get(number)
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._read(number)
            if len(found) <= _SHORT:
                self._kept[number] = found
        return found

    def _read(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise invalid(f"A cell has the shared text {number}, which the workbook does not hold.")
        start, end = self._ends[number], self._ends[number + 1]
        return os.pread(self._file.fileno(), end - start, start).decode("utf-8", "surrogatepass")


def decoded(text: str) -> str:
    """Return a text with the characters that XML cannot hold, which are written `_x000D_`."""
    return _CODED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _texts(archive: Archive, name: str) -> Iterator[str]:
    """Yield each text, of all its runs and without what says how it is pronounced."""
    found: list[str] = []
    pieces: list[str] = []
    takes = spoken = False
    length = count = 0

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal takes, spoken
        takes = tag == "t" and not spoken
        spoken = spoken or tag == "rPh"

    def text(piece: str) -> None:
        nonlocal length
        if takes:
            pieces.append(piece)
            length += len(piece)
            if length > MOST_TEXT:
                raise invalid(f"The workbook has a cell of more than {MOST_TEXT:,} characters.")

    def end(tag: str) -> None:
        nonlocal takes, spoken, length
        takes = False
        if tag == "si":
            found.append(decoded("".join(pieces)))
            pieces.clear()
            length = 0
        elif tag == "rPh":
            spoken = False

    if name not in archive:
        return
    for _ in archive.parse(name, start, end, text):
        count += len(found)
        if count > _MOST_STRINGS:
            raise invalid(f"The workbook has more than {_MOST_STRINGS:,} texts. Send it as CSV.")
        yield from found
        found.clear()
