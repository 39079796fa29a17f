"""The titles of a file's columns -> what each is for, and which program wrote the file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from crmkit import ids
from crmkit.core.transfer.mapping import programs, words
from crmkit.core.transfer.mapping.target import CUSTOM, Target, named, places_of
from crmkit.model import fold
from crmkit.model.fields import Link
from crmkit.model.record import Kind, Kinds
from crmkit.model.sheets import numbers

REPORT = ("row", "error")  # the first titles of our own report of refused rows

_LINE = re.compile(r" *([^:]+): (.*)")
# words for a kind that begin other titles too
_NO_START = {"business", "employer", "people", "issue", "todo", "case"}
_SURNAME_BESIDE = {"nom": "prenom", "name": "vorname", "naam": "voornaam"}  # a full name where that is missing


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a title means: one of several fields, the first that a kind has."""

    fields: tuple[str, ...]
    appends: bool = False
    group: str = ""


@dataclass(slots=True)
class Program:
    """`ids` are titles of its own ids; `begins` are the words before a hyphen that its titles begin with."""

    name: str
    known_by: list[frozenset[str]] = field(default_factory=list)
    begins: frozenset[str] = frozenset()
    ids: set[str] = field(default_factory=set)
    meanings: dict[str, Meaning] = field(default_factory=dict)

    def wrote(self, titles: Sequence[str], keys: frozenset[str]) -> bool:
        """Tell whether it wrote a file with these titles."""
        return any(known <= keys for known in self.known_by) or any(self.start(title) for title in titles)

    def start(self, title: str) -> str:
        """Return what a title begins with that says of which record it is, "" where none does."""
        start, hyphen, _ = title.partition(" - ") if self.begins else ("", "", "")
        return f"{start}{hyphen}" if hyphen and key(start) in self.begins else ""


def key(title: str) -> str:
    """Return the letters and digits of a title, without case and accents."""
    return "".join(letter for letter in fold.plain(title) if letter.isalnum())


def is_own(titles: Sequence[str], cells: Sequence[object], kind: Kind) -> bool:
    """Tell whether a file is an export of ours, whose cells are exact, by its titles and the cells of its first row."""
    if {"handle", "id"} <= {*titles}:
        return True
    if "id" not in titles or not all(title in kind.names or title.startswith(f"{CUSTOM}.") for title in titles):
        return False
    try:
        return bool(ids.parse(str(cells[titles.index("id")]), kind.prefix, kind.prefixes)) if cells else True
    except ids.BadId:
        return False


def program_of(titles: Sequence[str], format: str) -> Program | None:
    """Return the program that wrote a file, None if it is not recognised."""
    if format == "vcard":
        return _programs()["vcard"]
    keys = frozenset(map(key, titles))
    return next((program for program in _programs().values() if program.wrote(titles, keys)), None)


def targets(titles: Sequence[str], kinds: Kinds, kind: Kind, program: Program | None, own: bool) -> list[Target | None]:
    """Return what the column of each title is for, None where it says nothing; of an export of ours if it is `own`."""
    keys = {key(title) for title in titles}
    found: list[Target | None] = []
    linked = {title for title in titles if title in kind.taken and isinstance(kind.taken[title].type, Link)}
    for at, title in enumerate(titles):
        if tuple(titles[:2]) == REPORT and at < len(REPORT):
            found.append(Target())
            continue
        target = _exact(title, kinds, kind, own) or _guessed(title, kinds, kind, program, keys)
        is_link = target is not None and target.guessed and not target.place and target.field in _links(kinds, kind)
        if target is not None and is_link and target.field in linked:  # one column is enough
            target = None
        elif target is not None and is_link:
            linked.add(target.field)
        found.append(target)
    return found


def _links(kinds: Kinds, kind: Kind) -> set[str]:
    return {link.link for link in kinds.links.get(kind, ())}


def _exact(title: str, kinds: Kinds, kind: Kind, own: bool) -> Target | None:
    """Return what one of our own names stands for."""
    if title in kind.taken:
        return Target(field=title)
    if own and (title in kind.names or title == "handle"):
        return Target()
    if title.startswith(f"{CUSTOM}.") and kind.custom is not None and len(title) > len(CUSTOM) + 1:
        return named(title, title, kinds, kind)
    return None


def _guessed(title: str, kinds: Kinds, kind: Kind, program: Program | None, keys: set[str]) -> Target | None:
    if program is not None:
        start = program.start(title)
        found = _of_program(title.removeprefix(start), start, kinds, kind, program)
        if found is not None:
            return None if found.field == CUSTOM else found
        title = title.removeprefix(start) if start and _is_of(start, kind) else title
    word = key(title)
    beside = _SURNAME_BESIDE.get(word)
    if beside in keys and "last_name" in kind.taken:
        return Target(field="last_name", guessed=True)
    found = _known(word, kinds, kind)
    rest, sign = numbers.sign_behind(title) if found is None else ("", "")
    amount = _known(key(rest), kinds, kind) if sign else None
    return amount if amount is not None and amount.field.endswith("_cents") else found


def _is_of(start: str, kind: Kind) -> bool:
    return key(start) in _words_of(kind.name)


def _of_program(rest: str, start: str, kinds: Kinds, kind: Kind, program: Program) -> Target | None:
    """Return what a title means in files of a program; the field `custom` where it is none there."""
    places, word = places_of(kinds, kind), key(rest)
    if start and not _is_of(start, kind):  # of a related record
        place = next((place for place, link in places.items() if _is_of(start, link.to)), None)
        if place is None:
            return None
        to = places[place].to
        inner = _known(word, kinds, to, is_alone=True)
        name = "source_id" if word in program.ids else inner.field if inner and not inner.path else ""
        known = name in to.writable
        return Target(name, place, before=_before(program, name), guessed=True) if known else Target(field=CUSTOM)
    found = program.meanings.get(word)
    for name in found.fields if found else ():
        if name == CUSTOM:
            return Target(field=CUSTOM)
        if name == "left out":
            return Target()
        place, _, inner_name = name.partition(".")
        if place in places:
            inner_name = inner_name or places[place].to.title.name
            if inner_name in places[place].to.writable:
                return Target(inner_name, place, before=_before(program, inner_name), guessed=True)
        own = kind.title.name if name == "*" and kind.has_title else name
        if found and own in kind.taken:
            return Target(own, group=found.group, appends=found.appends, guessed=True)
    return _id(word, kinds, kind, program) if word in program.ids else None


def _id(word: str, kinds: Kinds, kind: Kind, program: Program) -> Target | None:
    """Return what an id of a program is for: it is that of a related record where it is called so."""
    called = word.removesuffix("id")
    place = next((place for place, link in places_of(kinds, kind).items() if called in _words_of(link.to.name)), "")
    to = kinds.places[kind][place].to if place and called not in _words_of(kind.name) else kind
    if "source_id" not in to.writable:
        return None
    return Target("source_id", place if to is not kind else "", before=f"{program.name}:", guessed=True)


def _before(program: Program, name: str) -> str:
    return f"{program.name}:" if name == "source_id" else ""


def _known(word: str, kinds: Kinds, kind: Kind, is_alone: bool = False) -> Target | None:
    """Return what a title means in any file; of a record that `is_alone` no related ones are known."""
    own = _dictionary(kind)
    if word in own:
        return own[word]
    called = _words_of(kind.name)
    if word in called or word.removesuffix("name") in called:
        return Target(kind.title.name, guessed=True) if kind.has_title else None
    for rest in _behind(word, called):
        if rest in own:
            return own[rest]
    for place, link in {} if is_alone else places_of(kinds, kind).items():
        called = _words_of(link.to.name)
        if word in called or word.removesuffix("name") in called:
            return Target(link.to.title.name, place, guessed=True)
        inner = next((found for rest in _behind(word, called) if (found := _dictionary(link.to).get(rest))), None)
        if inner is not None and not inner.appends and inner.field != link.to.title.name:
            return replace(inner, place=place)
    return None if is_alone else _naming(word, kinds, kind)


def _naming(word: str, kinds: Kinds, kind: Kind) -> Target | None:
    """Return what a title means that names a related record by itself: the email of a contact, where a kind has none.

    Where the record itself cannot come along, it is looked up.
    """
    places = places_of(kinds, kind)
    for link in kinds.links.get(kind, ()):
        called, own = _words_of(link.to.name), _dictionary(link.to).get(word)
        is_key = own is not None and own.field in link.to.merges_by and link.to.by_name[own.field].type.names
        if own is not None and is_key and link.place in places:
            return replace(own, place=link.place)
        if link.place not in places and (is_key or word in called or word.removesuffix("name") in called):
            return Target(link.link, guessed=True)
    return None


def _behind(word: str, called: frozenset[str]) -> Iterator[str]:
    """Yield what follows a word for a kind."""
    starts = sorted((each for each in called if len(each) > 3 and each not in _NO_START), key=len, reverse=True)
    yield from (word.removeprefix(start) for start in starts if word.startswith(start))


@cache
def _words_of(name: str) -> frozenset[str]:
    return frozenset(
        key(title) for kind, titles in _lines(words.KINDS) if kind == name for title in titles.split(";")
    ) | {key(name)}


@cache
def _dictionary(kind: Kind) -> Mapping[str, Target]:
    """Return the titles of a kind's fields, by their letters and digits."""
    found: dict[str, Target] = {}
    for name, each in kind.taken.items():
        # a Code is often one that several share, and records of one code would be merged
        is_code = name in kind.keys and not each.type.names
        if not isinstance(each.type, Link) and not name.endswith("_cents") and name != CUSTOM and not is_code:
            found[key(name)] = Target(name, guessed=True)
    for said, titles in _lines(words.FIELDS):
        meaning = _meaning(said)
        names = (kind.title.name if name == "*" and kind.has_title else name for name in meaning.fields)
        field = next((name for name in names if name in kind.taken), None)
        for title in titles.split(";") if field else ():
            found.setdefault(key(title), Target(field or "", appends=meaning.appends, guessed=True))
    return found


def _meaning(said: str) -> Meaning:
    said, _, group = said.partition("/")
    names = said.split()
    return Meaning(tuple(name for name in names if name != "+"), "+" in names, group.strip())


@cache
def _programs() -> Mapping[str, Program]:
    found: dict[str, Program] = {}
    program = Program("")
    for line in programs.PROGRAMS.strip().splitlines():
        parts = _LINE.fullmatch(line)
        if parts is None:
            program = found[line.strip()] = Program(line.strip())
            continue
        said, titles = parts[1], [key(title) for title in parts[2].split(";")]
        if said == "known by":
            program.known_by.append(frozenset(titles))
        elif said == "begins":
            program.begins |= frozenset(titles)
        elif said == "as":
            program.meanings |= found[parts[2]].meanings
        elif said == "id":
            program.ids.update(titles)
        else:
            meaning = Meaning((said,)) if said == "left out" else _meaning(said)
            program.meanings |= dict.fromkeys(titles, meaning)
    return found


def _lines(table: str) -> Iterator[tuple[str, str]]:
    for line in table.strip().splitlines():
        said, _, titles = line.strip().partition(": ")
        yield said.strip(" :"), titles
