"""Content lines, of which vCard and iCalendar are made: `NAME;PARAMETER=value:value` (RFC 6350, 3; RFC 5545, 3.1)."""

import re
from collections.abc import Iterable

_LONGEST = 75  # octets of a line; what is longer is folded
_ESCAPED = str.maketrans({"\\": "\\\\", ",": "\\,", ";": "\\;", "\n": "\\n"})
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f]")  # which a value cannot hold


def written(lines: Iterable[str]) -> bytes:
    return b"".join(map(folded, lines))


def folded(line: str) -> bytes:
    """Return a line as it is sent: in pieces of which all but the first begin with a blank, no character in two."""
    raw = line.encode()
    if len(raw) <= _LONGEST:
        return raw + b"\r\n"
    parts, at, most = [], 0, _LONGEST
    while at < len(raw):
        end = at + most
        while end < len(raw) and raw[end] & 0xC0 == 0x80:  # within a character
            end -= 1
        parts.append(raw[at:end])
        at, most = end, _LONGEST - 1
    return b"\r\n ".join(parts) + b"\r\n"


def text(value: str) -> str:
    r"""Return a text as a value: its line breaks are `\n`, other control characters are left out."""
    return plain(value).translate(_ESCAPED)


def texts(values: Iterable[str]) -> str:
    return ",".join(map(text, values))


def structured(*parts: str | None) -> str:
    """Return a value of several parts, empty ones too."""
    return ";".join(text(part or "") for part in parts)


def plain(value: str) -> str:
    return _NO_TEXT.sub("", _BREAKS.sub("\n", value))


def stamp(at: str) -> str:
    """Return a stamp as these formats have it: `20260610T090000Z`."""
    return at.replace("-", "").replace(":", "")
