"""vCard 2.1, 3.0 and 4.0 as a table: a row a card, with the titles that Google's CSV of contacts has."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

from crmkit.files import text
from crmkit.files.content_lines import MOST_LINE, Property, parts, properties, unescaped
from crmkit.files.encoding import encoding_of
from crmkit.files.table import Row, Table, check_width, invalid

_VERSIONS = ("2.1", "3.0", "4.0")
_MOST_CARD = 4_000  # properties
_MEANS_NOTHING = {"pref", "internet", "voice", "x-internet", "msg"}  # types that every address or number has
_MEANS = {"cell": "Mobile", "iphone": "iPhone", "isdn": "ISDN"}
_LEFT_OUT = {"VERSION", "PRODID", "X-ABLABEL"}
_NAMED_ONCE = {
    "FN": "Name",
    "NICKNAME": "Nickname",
    "TITLE": "Organization Title",
    "NOTE": "Notes",
}
_NAME = ("Last Name", "First Name", "Middle Name", "Name Prefix", "Name Suffix")
_ADDRESS = ("PO Box", "Extended Address", "Street", "City", "Region", "Postal Code", "Country")
_NUMBERED = {"EMAIL": "E-mail", "TEL": "Phone", "URL": "Website", "ADR": "Address"}
_BINARY = {"PHOTO": "Photo", "LOGO": "Logo", "SOUND": "Sound", "KEY": "Key"}
_ORDER = ("Name", *reversed(_NAME[:3]), *_NAME[3:], "Nickname", "Organization Name", "Organization Department")
_RANK = {title: rank for rank, title in enumerate((*_ORDER, "Organization Title", "Birthday", "Notes", "Labels"))}
_PARTS = ("Label", "Value", *_ADDRESS)

Card = dict[str, str]  # title -> cell


def open_vcard(path: Path, content_type: str) -> Table:
    """Return the table of a file of cards. Raises Problem."""
    encoding = encoding_of(path, content_type)
    if text.only_line(path, encoding):
        raise text.without_line_ends()
    found: set[str] = set()
    count = 0
    with closing(_cards(path, encoding)) as read:
        for count, card in enumerate(read, start=1):
            found.update(card)
            check_width(len(found), count)
    titles = tuple(sorted(found, key=_place))

    def rows() -> Iterator[Row]:
        for number, card in enumerate(_cards(path, encoding), start=1):
            yield Row(number, tuple(card.get(title, "") for title in titles))

    return Table("vcard", titles, count, (), rows)


def _place(title: str) -> tuple[int, str, int, int, str]:
    """Return what titles are sorted by: those of names first, then numbered groups, in each its parts in order."""
    numbered = re.fullmatch(r"(E-mail|Phone|Website|Address) (\d+) - (.+)", title)
    if numbered:
        group, number, part = numbered.groups()
        return 1, str(list(_NUMBERED.values()).index(group)), int(number), _PARTS.index(part), ""
    rank = _RANK.get(title)
    return (0, "", rank, 0, "") if rank is not None else (2, "", 0, 0, title)


def _cards(path: Path, encoding: str) -> Generator[Card]:
    held: list[Property] | None = None
    number = size = 0
    for line, found in properties(text.lines(path, encoding, MOST_LINE)):
        bound = found.value.strip().upper() == "VCARD" and found.name
        if bound == "BEGIN":
            if held is not None:
                raise invalid(f"Card {number} holds another card, or has no END:VCARD (line {line}).")
            held, number, size = [], number + 1, 0
        elif held is None:
            raise invalid(f"Line {line} stands outside of a card: BEGIN:VCARD is missing.")
        elif bound == "END":
            yield _card(held, number)
            held = None
        elif len(found.value) > text.MOST_LINE and found.name not in _BINARY:
            raise invalid(f"The property in line {line} is longer than {text.MOST_LINE:,} characters.")
        else:
            held.append(found)
            size += len(found.value)
            if len(held) > _MOST_CARD or size > MOST_LINE:
                raise invalid(f"Card {number} has more than {_MOST_CARD:,} properties, or {MOST_LINE:,} characters.")
    if held is not None:
        raise invalid(f"Card {number} has no END:VCARD.")


def _card(held: list[Property], number: int) -> Card:
    version = next((found.value.strip() for found in held if found.name == "VERSION"), "3.0")
    if version not in _VERSIONS:
        raise invalid(f"Card {number} is vCard {version[:20]!r}; 2.1, 3.0 and 4.0 can be read.")
    labels = {found.group: _label_of_apple(found.value) for found in held if found.name == "X-ABLABEL" and found.group}
    card = _Cells()
    groups: dict[str, list[Property]] = defaultdict(list)
    for found in held:
        if found.name in _NUMBERED:
            groups[found.name].append(found)
        elif found.name not in _LEFT_OUT:
            _READERS.get(found.name, _any)(card, found)
    for name, title in _NUMBERED.items():
        # sorting keeps the order of those that are preferred alike
        for at, found in enumerate(sorted(groups[name], key=_preference), start=1):
            cells = _address(found) if name == "ADR" else {"Value": _reached(found)}
            if any(cells.values()):
                cells["Label"] = labels.get(found.group) or _label(found)
                for part, cell in cells.items():
                    card.add(f"{title} {at} - {part}", cell)
    return dict(card)


class _Cells(dict[str, str]):
    def __init__(self) -> None:
        super().__init__()
        self._times = Counter[str]()  # by title

    def add(self, title: str, cell: str) -> None:
        """Add a cell that is not blank; the second of a title is `TITLE 2`."""
        cell = cell.strip()
        if cell:
            self._times[title] += 1
            times = self._times[title]
            self[title if times == 1 else f"{title} {times}"] = cell


def _any(card: _Cells, found: Property) -> None:
    if found.name in _BINARY and not found.value.lower().startswith(("http:", "https:")):
        card.add(_BINARY[found.name], _data(found))
    else:
        card.add(_NAMED_ONCE.get(found.name, _BINARY.get(found.name, found.name)), unescaped(found.value))


def _name(card: _Cells, found: Property) -> None:
    for title, part in zip(_NAME, parts(found.value, ";"), strict=False):
        card.add(title, " ".join(unescaped(word).strip() for word in parts(part, ",") if word.strip()))


def _organization(card: _Cells, found: Property) -> None:
    name, *units = [unescaped(part).strip() for part in parts(found.value, ";")]
    card.add("Organization Name", name)
    card.add("Organization Department", ", ".join(filter(None, units)))


def _categories(card: _Cells, found: Property) -> None:
    card.add("Labels", " ::: ".join(filter(None, (unescaped(word).strip() for word in parts(found.value, ",")))))


def _birthday(card: _Cells, found: Property) -> None:
    value = unescaped(found.value).strip()
    day = re.fullmatch(r"(\d{4}|--)-?(\d\d)-?(\d\d)(?:T00:?00(?::?00)?(?:Z|[+-]\d\d:?\d\d)?)?", value)
    if day:
        year = "--" if day[1] in ("--", found.param("X-APPLE-OMIT-YEAR")) else f"{day[1]}-"
        value = f"{year}{day[2]}-{day[3]}"
    card.add("Birthday", value)


def _location(card: _Cells, found: Property) -> None:
    """Add where somebody is: `geo:52.5,13.4` of 4.0, or `52.5;13.4`."""
    degrees = re.fullmatch(r"(?:geo:)?([+-]?[\d.]+)[,;]([+-]?[\d.]+)", found.value.strip(), re.IGNORECASE | re.ASCII)
    if degrees is None:
        _any(card, found)
        return
    card.add("Latitude", degrees[1])
    card.add("Longitude", degrees[2])


def _zone(card: _Cells, found: Property) -> None:
    """Add the name of a time zone; an offset is none."""
    value = unescaped(found.value)
    card.add("Time Zone" if re.match(r"\s*[A-Za-z]+(/|\s*$)", value) else found.name, value)


_READERS: dict[str, Callable[[_Cells, Property], None]] = {
    "N": _name,
    "ORG": _organization,
    "CATEGORIES": _categories,
    "BDAY": _birthday,
    "GEO": _location,
    "TZ": _zone,
}


def _address(found: Property) -> dict[str, str]:
    cells = {
        title: ", ".join(unescaped(word).strip() for word in parts(part, ",") if word.strip())
        for title, part in zip(_ADDRESS, parts(found.value, ";"), strict=False)
    }
    return cells if any(cells.values()) else {"Street": found.param("LABEL").replace("\\n", "\n")}


def _reached(found: Property) -> str:
    """Return an address, a number or a URL as people write it: `tel:+1-555;ext=9` is `+1-555 ext. 9`."""
    value = unescaped(found.value).strip()
    value = re.sub(r"^(mailto|tel):", "", value, flags=re.IGNORECASE)
    return value.replace(";ext=", " ext. ") if found.name == "TEL" else value


def _preference(found: Property) -> int:
    pref = found.param("PREF")
    return int(pref) if pref.isdecimal() and len(pref) < 4 else 0 if "pref" in found.types() else 101


def _label(found: Property) -> str:
    words = [
        _MEANS.get(word, word.removeprefix("x-").capitalize()) for word in found.types() if word not in _MEANS_NOTHING
    ]
    return " ".join(dict.fromkeys(words))


def _label_of_apple(value: str) -> str:
    """Return what stands in `_$!<Work>!$_`, or the person's own word for it."""
    own = re.fullmatch(r"_\$!<(.*)>!\$_", value.strip())
    return own[1] if own else unescaped(value).strip()


def _data(found: Property) -> str:
    """Return a picture, a sound or a key as a data URL; what is no base64 as it stands."""
    if found.param("ENCODING").lower() not in ("b", "base64"):
        return found.value
    kind = {"PHOTO": "image", "LOGO": "image", "SOUND": "audio"}.get(found.name, "application")
    form = next(iter(found.types()), "octet-stream")
    return f"data:{kind}/{form};base64,{''.join(found.value.split())}"
