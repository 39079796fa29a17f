"""The parts of an XLSX, an archive of XML: parsed as they are unpacked, within bounds.

Whatever an archive says of its parts, no more of one is in memory than a piece, and no more is unpacked than the bound.
"""

import io
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
_MOST_DIRECTORY = 1 << 20  # bytes of the list of parts
_MOST_DEPTH = 100  # of elements in each other
_MOST_WORDS = 5_000  # names of elements and attributes
_PIECE = 1 << 16

Start = Callable[[str, dict[str, str]], None]  # the name of an element, its attributes
End = Callable[[str], None]
Text = Callable[[str], None]


class Archive:
    """The ZIP file of a workbook, whose parts are parsed as they are unpacked."""

    def __init__(self, path: Path) -> None:
        """Open an archive. Raises Problem for one that is damaged or locked."""
        self._file = _Bounded(path)
        try:
            self._zip = zipfile.ZipFile(self._file)
            if len(self._zip.filelist) > _MOST_PARTS:
                raise invalid(f"The workbook has more than {_MOST_PARTS:,} parts.")
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
            self._file.close()
            raise damaged() from None
        except Problem:
            self._file.close()
            raise
        self._parts = {info.filename.replace("\\", "/").lower(): info for info in self._zip.filelist}
        self._unpacked = 0

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()

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

        depth = 0
        prefix = ""  # that the outermost element has, and with it all that count

        def started(tag: str, attributes: dict[str, str]) -> None:
            nonlocal depth, prefix
            if not depth and ":" in tag:
                prefix = f"{tag.rpartition(':')[0]}:"
            depth += 1
            if depth > _MOST_DEPTH:
                raise damaged()
            start(tag.removeprefix(prefix) if prefix else tag, attributes)

        def ended(tag: str) -> None:
            nonlocal depth
            depth -= 1
            if end is not None:
                end(tag.removeprefix(prefix) if prefix else tag)

        parser.StartElementHandler = started
        parser.EndElementHandler = ended
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _refuse
        fed = 0
        try:
            info = self._parts[name.lower()]
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others need much memory
                raise damaged()
            # no more than its size is unpacked, whatever follows
            if self._unpacked + info.file_size > MOST_UNPACKED:
                raise invalid(f"The workbook unpacks to more than {MOST_UNPACKED >> 20} MiB. Send it as CSV.")
            with self._zip.open(info) as part:
                while piece := part.read(_PIECE):
                    fed += len(piece)
                    self._unpacked += len(piece)
                    parser.Parse(piece, False)
                    if fed - parser.CurrentByteIndex > _MOST_TAG:
                        raise invalid(f"The workbook has a tag of more than {_MOST_TAG >> 20} MiB.")
                    if len(parser.intern) > _MOST_WORDS:
                        raise damaged()
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


class _Bounded(io.FileIO):
    """A file of which no large part is read at once, as the list of an archive's parts is."""

    def read(self, size: int | None = -1, /) -> bytes:
        whole = size is None or size < 0
        read = super().read(_MOST_DIRECTORY + 1 if whole else size) or b""
        if len(read) > _MOST_DIRECTORY:
            raise damaged()
        return read


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
