"""A form with one file in it, as browsers and `curl -F` send it (RFC 7578)."""

from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from crmkit.errors import Problem
from crmkit.storage.transfer.uploads import Incoming

FORM = "multipart/form-data"
FILE = "file"  # the field of the file, where a client gives it no name
MAX_PARTS = 100
MAX_FIELDS = 64 * 1024  # bytes of the names and values of all fields but the file
MAX_NAME = 255  # characters of a file's name that are kept

_SEND = "Send one file, as the body itself (curl --data-binary @FILE) or in a form (curl -F file=@FILE)"


class Form:
    """Takes the body of a form in pieces: the file goes to the disk, the other fields are kept."""

    def __init__(self, content_type: str, file: Incoming) -> None:
        """Raise `invalid_file` without a boundary that could part the fields."""
        from multipart import MultipartError, PushMultipartParser, parse_options_header  # type: ignore[import-untyped]  # 18 ms

        self._error = MultipartError
        boundary = parse_options_header(content_type)[1].get("boundary", "")
        try:
            self._parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS)
        except MultipartError as error:
            raise _broken(error) from None
        self._file = file
        self._name: str | None = None  # of the file, once it began
        self._content_type = ""
        self._fields: dict[str, str] = {}
        self._part: Any = None  # that is read
        self._is_file = False
        self._value = bytearray()  # of a field that is no file
        self._left = MAX_FIELDS

    def write(self, piece: bytes) -> None:
        """Take a piece; raises `invalid_file`, `invalid_value`, `too_large`, and what Incoming.write raises."""
        try:
            for event in self._parser.parse(piece):
                if event is None:
                    self._end()
                elif isinstance(event, bytes | bytearray):
                    self._take(event)
                else:
                    self._begin(event)
        except self._error as error:
            raise _broken(error) from None

    def finish(self) -> tuple[str, str, dict[str, str]]:
        """Return the file's name and Content-Type, and the other fields; raises `invalid_file`, `missing_field`."""
        try:
            self._parser.close()
        except self._error as error:
            raise _broken(error) from None
        if self._name is None:
            raise Problem("missing_field", f"{_SEND}.", fields={FILE: "is missing"})
        return self._name, self._content_type, self._fields

    def _begin(self, part: Any) -> None:
        self._part = part
        self._is_file = part.filename is not None or part.name == FILE
        if self._is_file:
            if self._name is not None:
                raise Problem("invalid_value", f"{_SEND}.", fields={part.name[:MAX_NAME]: "is a second file"})
            self._name = base_name(part.filename or "")
            self._content_type = part.header("Content-Type", "") or ""

    def _take(self, piece: bytes | bytearray) -> None:
        if self._is_file:
            self._file.write(bytes(piece))
            return
        self._left -= len(piece)
        if self._left < 0:
            raise Problem("too_large", f"Send at most {MAX_FIELDS // 1024} KiB of fields beside the file.")
        self._value += piece

    def _end(self) -> None:
        if self._is_file:
            return
        name = self._part.name
        self._left -= len(name)
        if name in self._fields:
            raise Problem("invalid_value", f"Send {name[:MAX_NAME]} once.", fields={name[:MAX_NAME]: "stands twice"})
        try:
            self._fields[name] = self._value.decode("utf-8")
        except UnicodeDecodeError:
            raise Problem(
                "invalid_value", "Send the fields beside the file in UTF-8.", fields={name[:MAX_NAME]: "is not UTF-8"}
            ) from None
        self._value.clear()


def base_name(name: str) -> str:
    """Return the name of a file without its folders, and without what cannot be printed."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    return "".join(character for character in last if character.isprintable())[:MAX_NAME]


def _broken(error: Exception) -> Problem:
    return Problem("invalid_file", f"{_SEND}: the form cannot be read ({error}).")
