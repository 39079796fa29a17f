"""The tables of `words` and `programs`, read: what a title means in any file of a kind, and in those of a program."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from msgspec import Struct, field

from crmkit.core.transfer.mapping import programs, words
from crmkit.core.transfer.mapping.target import CUSTOM, Target
from crmkit.model import fold
from crmkit.model.fields import Link
from crmkit.model.record import Kind

_LINE = re.compile(r" *([^:]+): (.*)")


class Meaning(Struct, frozen=True):
    """What a title means: one of several fields, the first that a kind has."""

    fields: tuple[str, ...]
    appends: bool = False
    group: str = ""
    means: str = ""


class Program(Struct):
    """`ids` are titles of its own ids, which begin with `ids_begin`.

    `begins` are the words before a hyphen that its titles begin with.
    """

    name: str
    known_by: list[frozenset[str]] = field(default_factory=list)
    begins: frozenset[str] = frozenset()
    ids: set[str] = field(default_factory=set)
    ids_begin: str = ""
    meanings: dict[str, Meaning] = field(default_factory=dict)

    def wrote(self, titles: Sequence[str], keys: frozenset[str]) -> bool:
        """Tell whether it wrote a file with these titles."""
        return any(known <= keys for known in self.known_by) or any(self.start(title) for title in titles)

    def made(self, titles: Sequence[str], cells: Sequence[object]) -> bool:
        """Tell whether one of the cells of a row is an id that it gives."""
        pairs = zip(titles, cells, strict=False) if self.ids_begin else ()
        return any(key(title) in self.ids and str(cell).startswith(self.ids_begin) for title, cell in pairs)

    def start(self, title: str) -> str:
        """Return what a title begins with that says of which record it is, "" where none does."""
        start, hyphen, _ = title.partition(" - ") if self.begins else ("", "", "")
        return f"{start}{hyphen}" if hyphen and key(start) in self.begins else ""


def key(title: str) -> str:
    """Return the letters and digits of a title, without case and accents."""
    return "".join(letter for letter in fold.plain(title) if letter.isalnum())


@cache
def words_of(name: str) -> frozenset[str]:
    """Return what records of a kind are called."""
    return frozenset(
        key(title) for kind, titles in lines(words.KINDS) if kind == name for title in titles.split(";")
    ) | {key(name)}


@cache
def dictionary(kind: Kind) -> Mapping[str, Target]:
    """Return the titles of a kind's fields, by their letters and digits."""
    found: dict[str, Target] = {}
    for name, each in kind.imported.items():
        # a Code is often one that several share, and records of one code would be merged
        is_code = name in kind.keys and not each.type.names
        if not isinstance(each.type, Link) and not name.endswith("_cents") and name != CUSTOM and not is_code:
            found[key(name)] = Target(name, guessed=True)
    for said, titles in lines(words.FIELDS):
        meaning = meaning_of(said)
        names = (kind.title.name if name == "*" and kind.has_title else name for name in meaning.fields)
        known = kind.imported if not meaning.means or kind.past.fields else ()
        field = next((name for name in names if name in known), None)
        for title in titles.split(";") if field else ():
            target = Target(field or "", appends=meaning.appends, guessed=True, means=meaning.means)
            found.setdefault(key(title), target)
    return found


def meaning_of(said: str) -> Meaning:
    """Return what stands before a colon."""
    said, _, group = said.partition("/")
    said, _, means = said.partition("=")
    names = said.split()
    return Meaning(tuple(name for name in names if name != "+"), "+" in names, group.strip(), means)


@cache
def known_programs() -> Mapping[str, Program]:
    """Return the programs, by their names."""
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
        elif said == "id begins":
            program.ids_begin = parts[2]
        elif said == "id":
            program.ids.update(titles)
        else:
            meaning = Meaning((said,)) if said == "left out" else meaning_of(said)
            program.meanings |= dict.fromkeys(titles, meaning)
    return found


def lines(table: str) -> Iterator[tuple[str, str]]:
    """Yield what stands before the colon of each line, and the titles behind it."""
    for line in table.strip().splitlines():
        said, _, titles = line.strip().partition(": ")
        yield said.strip(" :"), titles
