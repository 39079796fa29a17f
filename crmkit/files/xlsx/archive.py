"""The parts of an XLSX, an archive of XML: parsed as they are unpacked, within bounds.

Whatever an archive says of its parts, no more of one is in memory than a piece, and no more is unpacked than the bound.
"""

import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.parsers import expat

from crmkit.errors import Problem
from crmkit.files.table import invalid

MOST_UNPACKED = 1 << 29  # bytes of all parts that are read
_MOST_PARTS = 10_000
_MOST_TAG = 1 << 20  # bytes between `<` and `>`
_PIECE = 1 << 16

Start = Callable[[str, dict[str, str]], None]  # the name of an element, its attributes
End = Callable[[str], None]
Text = Callable[[str], None]


class Archive:
    def __init__(self, path: Path) -> None:
        """Open an archive. Raises Problem for one that is damaged or locked."""
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
            raise damaged() from None
        if len(self._zip.filelist) > _MOST_PARTS:
            raise invalid(f"The workbook has more than {_MOST_PARTS:,} parts.")
        self._parts = {info.filename.replace("\\", "/").lower(): info for info in self._zip.filelist}
        self._unpacked = 0

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._parts

    def names(self) -> list[str]:
        return list(self._parts)

    def parse(self, name: str, start: Start, end: End | None = None, text: Text | None = None) -> Iterator[None]:
        """Parse a part; what it holds is told to the functions. Comes back to the caller after each piece.

        Raises Problem for what is damaged, too large, or declares entities.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True

        def first(tag: str, attributes: dict[str, str]) -> None:
            """Hand on the elements; without the prefix that the outermost has, which is the one of all that count."""
            prefix = tag.rpartition(":")[0] and f"{tag.rpartition(':')[0]}:"
            parser.StartElementHandler = (lambda tag, at: start(tag.removeprefix(prefix), at)) if prefix else start
            if end is not None:
                parser.EndElementHandler = (lambda tag: end(tag.removeprefix(prefix))) if prefix else end
            parser.StartElementHandler(tag, attributes)

        parser.StartElementHandler = first
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _refuse
        fed = 0
        try:
            info = self._parts[name.lower()]
            self._unpacked += info.file_size  # no more than that is unpacked, whatever follows
            if self._unpacked > MOST_UNPACKED:
                raise invalid(f"The workbook unpacks to more than {MOST_UNPACKED >> 20} MiB. Send it as CSV.")
            with self._zip.open(info) as part:
                while piece := part.read(_PIECE):
                    fed += len(piece)
                    parser.Parse(piece, False)
                    if fed - parser.CurrentByteIndex > _MOST_TAG:
                        raise invalid(f"The workbook has a tag of more than {_MOST_TAG >> 20} MiB.")
                    yield
                parser.Parse(b"", True)
                yield
        except KeyError:
            raise damaged() from None
        except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
            raise damaged() from None
        except RuntimeError:  # zipfile says so of what is encrypted
            raise invalid("The workbook is locked by a password. Save it without one.") from None

    def read(self, name: str, start: Start, end: End | None = None, text: Text | None = None) -> None:
        """Parse all of a part, or nothing if it does not exist."""
        if name in self:
            for _ in self.parse(name, start, end, text):
                pass


def damaged() -> Problem:
    return invalid("The file begins as an XLSX does and is damaged. Save it again, or send it as CSV.")


def target(of: str, found: str) -> str:
    """Return the name of a part that the part `of` names."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(of), found)).lstrip("/")


def relations(of: str) -> str:
    """Return the name of the part that lists what a part refers to."""
    folder, name = posixpath.split(of)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _refuse(*_: object) -> None:
    raise invalid("The workbook declares a document type, which no spreadsheet program does.")
