"""The archive of a workspace: a ZIP file with `members.jsonl`, a file of JSON lines for each table, and a manifest.

`manifest.json` is written last. It has the workspace's settings, how many rows each file has, the SHA-256 of each, and
the hash of the workspace, which is the same wherever its content is the same. Everything is read and written in
pieces.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from crmkit.render.files.pieces import Pieces

FORMAT = 1  # of the archive; goes up when a reader of the one before would misread it
MANIFEST = "manifest.json"
MEMBERS = "members"
MOST_MANIFEST = 1 << 20  # bytes that are read of a manifest
MOST_MEMBERS = 10_000  # past which the file is none of ours
MOST_LINE = 64 << 20  # bytes of a line, past which the file is none of ours
MOST_ROWS = 100  # that are written in one transaction: some ten milliseconds
MOST_BYTES = 4 << 20  # of their lines, after which they are enough
_PIECE = 1 << 20

Row = Mapping[str, str | int | float | None]

_encode = msgspec.json.encode


class Invalid(ValueError):
    """What cannot be read as an archive; the message says why."""


class File(Struct, frozen=True):
    """A file of the archive, without its suffix: that of the members, or of a table."""

    name: str
    rows: int
    sha256: str


class Member(Struct, frozen=True):
    """Who belongs to the workspace."""

    email: str
    role: str
    joined_at: str
    user_id: str


class Manifest(Struct, frozen=True):
    """What the archive holds. `unfinished` are the kinds of the system's jobs that are to be begun anew."""

    crmkit: int  # FORMAT
    program: str  # version of the crmkit that wrote it
    schema: int
    at: str
    workspace: dict[str, str | int | float | None]
    unfinished: list[str]
    files: list[File]
    hash: str

    @property
    def id(self) -> str:
        return str(self.workspace.get("id", ""))

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files if file.name != MEMBERS)


def hash_of(workspace: Mapping[str, Any], members: Iterable[Member], files: Iterable[File]) -> str:
    """Return the hash of a workspace: of its settings, who belongs to it in which role, and its rows."""
    sums = hashlib.sha256(_encode(dict(sorted(workspace.items()))))
    sums.update(_encode(sorted((member.email, member.role) for member in members)))
    sums.update(_encode(sorted((file.name, file.rows, file.sha256) for file in files if file.name != MEMBERS)))
    return sums.hexdigest()


class Writer:
    """Writes an archive; `taken` returns the bytes that were written since it was last called."""

    def __init__(self, at: tuple[int, int, int, int, int, int]) -> None:
        self._sink = Pieces()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._at = at

    def file(self, name: str, parts: Iterable[tuple[int, str]]) -> Iterator[File | None]:
        """Write a file of lines, of which each part has so many; yield None after each part, then what was written."""
        sums, rows = hashlib.sha256(), 0
        with self._zip.open(self._info(f"{name}.jsonl"), "w", force_zip64=True) as file:
            for more, text in parts:
                content = text.encode()
                sums.update(content)
                file.write(content)
                rows += more
                yield None
        yield File(name, rows, sums.hexdigest())

    def end(self, manifest: Manifest) -> None:
        """Write the manifest and the directory."""
        self._zip.writestr(self._info(MANIFEST), msgspec.json.format(_encode(manifest)))
        self._zip.close()

    def taken(self) -> bytes:
        return self._sink.taken()

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._at)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        return info


class Reader:
    """Reads an archive that `opened` checked."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest, members: list[Member]) -> None:
        self._zip = archive
        self.manifest = manifest
        self.members = members

    def rows(self, name: str) -> Iterator[list[Row]]:
        """Yield the rows of a table, as many at a time as one transaction should write."""
        rows, size = list[Row](), 0
        for line in _lines(self._zip, name):
            rows.append(_decoded(line, _ROW, name))
            size += len(line)
            if len(rows) == MOST_ROWS or size > MOST_BYTES:
                yield rows
                rows, size = [], 0
        if rows:
            yield rows


_ROW = msgspec.json.Decoder(dict[str, str | int | float | None])
_MEMBER = msgspec.json.Decoder(Member)
_MANIFEST = msgspec.json.Decoder(Manifest)


@contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """Open an archive whose files are what its manifest says; raises Invalid, and OSError where it cannot be read."""
    with path.open("rb") as file:
        try:
            archive = zipfile.ZipFile(file)
            manifest = _manifest(archive)
            members = _checked(archive, manifest)
        except _UNREADABLE as error:
            raise Invalid(f"it is not the whole archive of a workspace ({error})") from None
        with archive:
            yield Reader(archive, manifest, members)


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    if MANIFEST not in archive.namelist():
        raise Invalid(f"it is not the archive of a workspace: it has no {MANIFEST}")
    for packed in archive.infolist():
        if packed.compress_type not in _PACKED:
            raise Invalid(f"{packed.filename} is packed in a way that crmkit does not write")
    with archive.open(MANIFEST) as file:
        content = file.read(MOST_MANIFEST)
    found = _decoded(content, _FORMAT, MANIFEST).crmkit
    if found != FORMAT:
        raise Invalid(f"it is an archive of format {found}, and this crmkit reads format {FORMAT}")
    manifest: Manifest = _decoded(content, _MANIFEST, MANIFEST)
    return manifest


class _Format(Struct, frozen=True):
    crmkit: int


_FORMAT = msgspec.json.Decoder(_Format)
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# what zipfile raises for a file that is cut, changed, encrypted, or packed in a way that we do not
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError)


def _checked(archive: zipfile.ZipFile, manifest: Manifest) -> list[Member]:
    """Return the members; raises Invalid unless each file is what the manifest says."""
    names = [file.name for file in manifest.files]
    if len({*names}) < len(names) or {*archive.namelist()} != {MANIFEST, *(f"{name}.jsonl" for name in names)}:
        raise Invalid("its files are not those that its manifest names")
    for file in manifest.files:
        sums = hashlib.sha256()
        with archive.open(f"{file.name}.jsonl") as content:
            while piece := content.read(_PIECE):
                sums.update(piece)
        if sums.hexdigest() != file.sha256:
            raise Invalid(f"{file.name}.jsonl was changed: its SHA-256 is not the one in the manifest")
    members = [_decoded(line, _MEMBER, MEMBERS) for line in islice(_lines(archive, MEMBERS), MOST_MEMBERS + 1)]
    if len(members) > MOST_MEMBERS:
        raise Invalid(f"it has more than {MOST_MEMBERS:,} members")
    if hash_of(manifest.workspace, members, manifest.files) != manifest.hash:
        raise Invalid("its manifest was changed: the hash in it is not that of the workspace")
    return members


def _lines(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(f"{name}.jsonl") as file:
        while line := file.readline(MOST_LINE):
            if not line.endswith(b"\n"):
                raise Invalid(f"{name}.jsonl has a line that does not end")
            yield line


def _decoded(content: bytes, decoder: "msgspec.json.Decoder[Any]", name: str) -> Any:
    try:
        return decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{name} cannot be read: {error}") from None
