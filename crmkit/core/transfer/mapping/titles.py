"""The titles of a file's columns -> what each is for, and which program wrote the file."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from crmkit import ids
from crmkit.core.transfer.mapping import words
from crmkit.core.transfer.mapping.tables import Program, dictionary, key, known_programs, words_of
from crmkit.core.transfer.mapping.target import CUSTOM, ID, Target, named, places_of
from crmkit.model.fields import Link
from crmkit.model.record import Kind, Kinds
from crmkit.model.sheets import numbers

REPORT = ("row", "error")  # the first titles of our own report of refused rows
_OF_CARDS = {"UID", "Photo", "PRODID", "REV"}  # titles of the table of an address book, which a report of one has


def is_report(titles: Sequence[str]) -> bool:
    """Tell whether a file is our report of the rows that an import refused, by its titles."""
    return tuple(titles[: len(REPORT)]) == REPORT


def is_own(titles: Sequence[str], cells: Sequence[object], kind: Kind) -> bool:
    """Tell whether a file is an export of ours, whose cells are exact, by its titles and the cells of its first row.

    So is a report of refused rows of one.
    """
    if is_report(titles):
        titles, cells = titles[len(REPORT) :], cells[len(REPORT) :]
    if {"handle", "id"} <= {*titles}:
        return True
    if "id" not in titles or not all(title in kind.names or title.startswith(f"{CUSTOM}.") for title in titles):
        return False
    try:
        return bool(ids.parse(str(cells[titles.index("id")]), kind.prefix, kind.prefixes)) if cells else True
    except ids.BadId:
        return False


def program_of(titles: Sequence[str], format: str, cells: Sequence[object] = ()) -> Program | None:
    """Return the program that wrote a file, by its titles and the cells of its first row; None if it is not known."""
    if format == "vcard" or (is_report(titles) and not _OF_CARDS.isdisjoint(titles)):
        return known_programs()["vcard"]
    keys, every = frozenset(map(key, titles)), known_programs().values()
    by_id = next((program for program in every if program.made(titles, cells)), None)
    return by_id or next((program for program in every if program.wrote(titles, keys)), None)


def program_named(name: str) -> Program | None:
    """Return the program of this name."""
    return known_programs().get(name)


def targets(titles: Sequence[str], kinds: Kinds, kind: Kind, program: Program | None, own: bool) -> list[Target | None]:
    """Return what the column of each title is for, None where it says nothing; of an export of ours if it is `own`."""
    keys = {key(title) for title in titles}
    found: list[Target | None] = []
    linked = {title for title in titles if title in kind.imported and isinstance(kind.imported[title].type, Link)}
    for at, title in enumerate(titles):
        if at < len(REPORT) and is_report(titles):
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
    if title in kind.imported:
        return Target(field=title)
    if own and title == ID:
        return Target(field=ID, guessed=True)
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
    name, beside = words.NAME_BESIDE.get(word, ("", ()))
    if name in kind.imported and not keys.isdisjoint(beside):
        return Target(field=name, guessed=True)
    found = _known(word, kinds, kind)
    rest, sign = numbers.sign_behind(title) if found is None else ("", "")
    amount = _known(key(rest), kinds, kind) if sign else None
    return amount if amount is not None and amount.field.endswith("_cents") else found


def _is_of(start: str, kind: Kind) -> bool:
    return key(start) in words_of(kind.name)


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
        if found and own in kind.imported:
            return Target(own, group=found.group, appends=found.appends, guessed=True)
    return _id(word, kinds, kind, program) if word in program.ids else None


def _id(word: str, kinds: Kinds, kind: Kind, program: Program) -> Target | None:
    """Return what an id of a program is for: it is that of a related record where it is called so."""
    called = word.removesuffix("id")
    place = next((place for place, link in places_of(kinds, kind).items() if called in words_of(link.to.name)), "")
    to = kinds.places[kind][place].to if place and called not in words_of(kind.name) else kind
    if "source_id" not in to.writable:
        return None
    return Target("source_id", place if to is not kind else "", before=f"{program.name}:", guessed=True)


def _before(program: Program, name: str) -> str:
    return f"{program.name}:" if name == "source_id" else ""


def _known(word: str, kinds: Kinds, kind: Kind, is_alone: bool = False) -> Target | None:
    """Return what a title means in any file; of a record that `is_alone` no related ones are known."""
    own = dictionary(kind)
    if word in own:
        return own[word]
    called = words_of(kind.name)
    if word in called or word.removesuffix("name") in called:
        return Target(kind.title.name, guessed=True) if kind.has_title else None
    for rest in _behind(word, called):
        if rest in own:
            return own[rest]
    for place, link in {} if is_alone else places_of(kinds, kind).items():
        called = words_of(link.to.name)
        if word in called or word.removesuffix("name") in called:
            return Target(link.to.title.name, place, guessed=True)
        inner = next((found for rest in _behind(word, called) if (found := dictionary(link.to).get(rest))), None)
        if inner is not None and not inner.appends and inner.field != link.to.title.name:
            return replace(inner, place=place)
    return None if is_alone else _naming(word, kinds, kind)


def _naming(word: str, kinds: Kinds, kind: Kind) -> Target | None:
    """Return what a title means that names a related record by itself: the email of a contact, where a kind has none.

    Where the record itself cannot come along, it is looked up.
    """
    places = places_of(kinds, kind)
    for link in kinds.links.get(kind, ()):
        called, known = words_of(link.to.name), dictionary(link.to)
        own = next((found for rest in (word, *_behind(word, called)) if (found := known.get(rest))), None)
        is_key = own is not None and own.field in link.to.merges_by and link.to.by_name[own.field].type.names
        if own is not None and is_key and link.place in places:
            return replace(own, place=link.place)
        if link.place not in places and (is_key or word in called or word.removesuffix("name") in called):
            return Target(link.link, guessed=True)
    return None


def _behind(word: str, called: frozenset[str]) -> Iterator[str]:
    """Yield what follows a word for a kind."""
    starts = sorted((each for each in called if len(each) > 3 and each not in words.NO_START), key=len, reverse=True)
    yield from (word.removeprefix(start) for start in starts if word.startswith(start))
