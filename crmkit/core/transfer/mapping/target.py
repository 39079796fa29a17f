"""What a column of a file is for."""

import json

from msgspec import Struct

from crmkit.errors import a, nearest
from crmkit.model.fields import PLAIN_KEY
from crmkit.model.query.filters import CustomKey, target_of
from crmkit.model.record import Kind, Kinds, Reference

CUSTOM = "custom"
ID = "id"  # of a record of this workspace, which the row changes


class Target(Struct, frozen=True):
    """A `field` of the record, or of a related one that stands at `place`; a `path` in custom; else nothing: left out.

    `group` names one of several addresses, of which one is kept. What `appends` goes behind what the field has already.
    `before` is put before an id, to tell whose it is. What is only `guessed` from a title gives way where a cell does
    not fit: that goes to custom. Cells of a status may be yes and no: `means` is the word that a yes stands for.
    """

    field: str = ""
    place: str = ""
    path: tuple[str, ...] = ()
    group: str = ""
    appends: bool = False
    before: str = ""
    guessed: bool = False
    means: str = ""

    def name(self, titles: "dict[str, str]") -> str:
        """Return how `map.` spells it; `titles` has the title of the record at each place."""
        if self.path:
            keys = (key if PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in self.path)
            return ".".join((CUSTOM, *keys))
        if self.place:
            return self.place if self.field == titles[self.place] else f"{self.place}.{self.field}"
        return self.field


class Unknown(ValueError):
    """A text that names nothing that a column can be for; the message follows the name of the column."""


def places_of(kinds: Kinds, kind: Kind) -> dict[str, Reference]:
    """Return the related records that come with a record of a kind, by their places: those that have a name."""
    found = kinds.places[kind] if kind in kinds.records else {}
    return {place: link for place, link in found.items() if link.to in kinds.records and link.to.has_title}


def named(text: str, title: str, kinds: Kinds, kind: Kind) -> Target:
    """Return what a client says that the column with this title is for; raises Unknown."""
    text, places = text.strip(), places_of(kinds, kind)
    if text == "":
        return Target()
    if text == CUSTOM or text.startswith(f"{CUSTOM}."):
        if kind.custom is None:
            raise Unknown(f"{a(kind.noun)} has no custom")
        if text == CUSTOM:
            return Target(path=(title,))
        if text == f"{CUSTOM}.":
            raise Unknown(f"{text} names no key: send {CUSTOM}.KEY, or {CUSTOM} for the title of the column")
        found = target_of(kind, text)
        return Target(path=found.path if isinstance(found, CustomKey) else (text.removeprefix(f"{CUSTOM}."),))
    if text in kind.imported or text == ID:
        return Target(field=text)
    place, dot, field = text.partition(".")
    if place in places and not dot:
        return Target(field=places[place].to.title.name, place=place)
    if place in places and field in places[place].to.writable:
        return Target(field=field, place=place)
    if text in kind.by_name or text == "handle":
        raise Unknown(f"{text} is written by the server; leave the column out with an empty field")
    known = [
        *kind.imported,
        *places,
        *(f"{place}.{name}" for place, link in places.items() for name in link.to.writable),
    ]
    raise Unknown(f"{json.dumps(text, ensure_ascii=False)} is no field of {a(kind.noun)}{nearest(text, known)}")
