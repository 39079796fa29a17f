"""Content lines (RFC 6350, section 3.3; RFC 2426; vCard 2.1): lines of a card -> properties."""

import quopri
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from crmkit.files.encoding import encoding_named
from crmkit.files.table import invalid

MOST_LINE = 8 << 20  # characters of a property, all of its lines together: a picture is one

_MOST_HEAD = 1 << 16
_A_LINE = 50  # characters that a line counts as besides its own, so that many short ones are not held

_HEAD = re.compile(r'(?:(?P<group>[\w-]+)\.)?(?P<name>[\w-]+)(?P<params>(?:;(?:"[^"]*"|[^":;])*)*):')
_PARAM = re.compile(r';((?:"[^"]*"|[^":;])*)')
_VALUES = re.compile(r'"[^"]*"|[^",]+')
_CARETS = {"^n": "\n", "^'": '"', "^^": "^"}  # RFC 6868
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Property(Struct, frozen=True):
    """One property of a card: a content line, unfolded and parsed."""

    name: str  # in capitals
    group: str
    params: dict[str, list[str]]  # names in capitals; values without a name are types
    value: str

    def types(self) -> list[str]:
        return [word.lower() for word in self.params.get("TYPE", ())]

    def param(self, name: str) -> str:
        return next(iter(self.params.get(name, ())), "")


def properties(lines: Iterable[str]) -> Iterator[tuple[int, Property]]:
    """Yield each property with the number of its line. Raises Problem for a line that is none."""
    for number, line in _unfolded(lines):
        found = _HEAD.match(line, 0, _MOST_HEAD)
        if found is None:
            raise invalid(f"Line {number} is no line of a vCard: it has no NAME:VALUE.")
        params = _params(found["params"])
        value = line[found.end() :]
        if "QUOTED-PRINTABLE" in [word.upper() for word in params.get("ENCODING", ())]:
            value = _unquoted(value, next(iter(params.get("CHARSET", ())), "utf-8"), number)
        yield number, Property(found["name"].upper(), (found["group"] or "").lower(), params, value)


def unescaped(value: str) -> str:
    """Return a text as it was before its commas, semicolons, backslashes and line ends were escaped."""
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def parts(value: str, sign: str) -> list[str]:
    """Return the parts that a sign separates where no backslash stands before it; they are still escaped."""
    found, start = [], 0
    for cut in re.finditer(rf"\\.|{sign}", value, re.DOTALL):
        if cut[0] == sign:
            found.append(value[start : cut.start()])
            start = cut.end()
    return [*found, value[start:]]


def _unfolded(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield whole lines: one that begins with a blank goes on with the line before, as does one after `=` at the end of
    quoted-printable text."""
    held: list[str] = []
    start = size = 0
    soft = False  # whether the line before ends with the `=` of a text that goes on
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\r\n")
        if soft:
            held[-1] = held[-1][:-1]
            held.append(line)
        elif line[:1] in (" ", "\t") and held:
            held.append(line[1:])
        else:
            if held:
                yield start, "".join(held)
            held, start, size = ([line] if line.strip() else []), number, 0
        soft = line.endswith("=") and bool(held) and "QUOTED-PRINTABLE" in held[0][:500].upper()
        size += len(line) + _A_LINE
        if size > MOST_LINE:
            raise invalid(f"The property in line {start} is longer than {MOST_LINE:,} characters.")
    if held:
        yield start, "".join(held)


def _params(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for param in _PARAM.findall(text):
        name, equals, given = param.partition("=")
        if not equals:  # vCard 2.1 has types and encodings without a name
            bare = name.strip().upper()
            name, given = ("ENCODING" if bare in ("QUOTED-PRINTABLE", "BASE64", "8BIT") else "TYPE"), name
        values = [re.sub(r"\^[n'^]", lambda sign: _CARETS[sign[0]], each.strip('"')) for each in _VALUES.findall(given)]
        # a list of types may stand in one pair of quotes
        values = [word for each in values for word in each.split(",")] if name.upper() == "TYPE" else values
        found.setdefault(name.strip().upper(), []).extend(values)
    return found


def _unquoted(value: str, charset: str, number: int) -> str:
    encoding = encoding_named(charset)
    try:
        if encoding:
            return quopri.decodestring(value.encode()).decode(encoding)
    except UnicodeError:
        pass
    raise invalid(f"Line {number} is not text in {charset[:40]}.")
