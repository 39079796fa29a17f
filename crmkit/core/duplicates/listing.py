"""Reading the pairs of records that are likely one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from crmkit.core.call import Call
from crmkit.core.duplicates.pairing import listed_as
from crmkit.core.reading import opened
from crmkit.errors import Problem, nearest
from crmkit.model.actor import Actor
from crmkit.model.query.cursor import seal, unseal
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.model.query.parse import limit_of
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage import records
from crmkit.storage.duplicates import pairs
from crmkit.storage.interface.connection import Connection
from crmkit.storage.lists.pages import COUNTED

PARAMETERS = ("kind", "limit", "cursor")
ROW = "duplicates"

Position = tuple[str, str, str]  # when a pair was found, and its ids


class Pair(Struct, frozen=True):
    """Two records that are likely one, the older first, and why."""

    a: Record
    b: Record
    reason: str
    likeness: float
    position: Position

    @property
    def at(self) -> str:
        """When it was found."""
        return self.position[0]

    @property
    def row(self) -> tuple[str, dict[str, Any]]:
        """The row of an answer."""
        shown = {"a": self.a.handle, "b": self.b.handle, "reason": self.reason, "likeness": self.likeness}
        return ROW, shown


async def find_all(call: Call, parameters: Mapping[str, str]) -> MixedListing:
    """Return a page of the pairs of one `kind`, those found last first; without one, of the first the token reads."""
    crm, actor = call.crm, call.actor
    kind, *_ = opened.chosen(actor.access, crm.kinds.alike, _named(crm.kinds, parameters.get("kind", "")))[0]
    limit, notes = limit_of(parameters.get("limit"))
    binding, cursor = json.dumps([actor.workspace_id, ROW, kind.plural]), parameters.get("cursor", "")
    position = unseal(crm.key, binding, cursor) if cursor else []
    place = (kind, actor.workspace_id, actor.preferences.country)

    def read(connection: Connection) -> tuple[list[Pair], Position | None, int | None]:
        counted = None if cursor else pairs.count(connection, actor.workspace_id, kind.plural, COUNTED + 1)
        return *_page(connection, *place, position, limit), counted

    found, last, counted = await call.scan(read)
    total, at_least = (None, COUNTED) if counted is not None and counted > COUNTED else (counted, None)
    next_cursor = None if last is None else seal(crm.key, binding, list(last))
    paging = Paging(
        not cursor,
        total,
        at_least,
        next_cursor,
        notes,
        cursor_after=lambda rows: seal(crm.key, binding, list(found[rows - 1].position)),
    )
    return MixedListing(ROW, tuple(pair.row for pair in found), paging)


def newest(connection: Connection, kinds: Sequence[Kind], actor: Actor, since: str, limit: int) -> list[Pair]:
    """Return the pairs of these kinds that were found since then, those found last first, up to `limit`."""
    country = actor.preferences.country
    pages = (_page(connection, kind, actor.workspace_id, country, [], limit, since)[0] for kind in kinds)
    found = sorted((pair for page in pages for pair in page), key=lambda pair: pair.at, reverse=True)
    return found[:limit]


def _page(
    connection: Connection,
    kind: Kind,
    workspace_id: str,
    country: str,
    position: Sequence[str],
    limit: int,
    since: str = "",
) -> tuple[list[Pair], Position | None]:
    """Return a page of pairs that still stand, and where the next page starts, None after the last one."""
    rows = pairs.page(connection, workspace_id, kind.plural, position, limit + 1, since)
    if not rows:
        return [], None
    shown = rows[:limit]
    known = records.all_of(connection, kind, workspace_id, list({id for a, b, _ in shown for id in (a, b)}))
    found = []
    for a, b, at in shown:
        if a in known and b in known:
            older, newer = sorted(
                (known[a], known[b]), key=lambda record: (getattr(record, "created_at", ""), record.id)
            )
            match = listed_as(kind, newer, older, country)
            if match is not None:
                found.append(Pair(older, newer, match.reason, match.likeness, (at, a, b)))
    if len(rows) <= limit:
        return found, None
    a, b, at = shown[-1]
    return found, (at, a, b)


def _named(kinds: Kinds, text: str) -> Sequence[Kind]:
    """Return the kind that a text names, in the singular or the plural; none without one."""
    word = text.strip().lower()
    if not word:
        return ()
    kind = kinds.by_word.get(word)
    if kind is None or kind not in kinds.alike:
        names = [kind.plural for kind in kinds.alike]
        what = f"must be one of {', '.join(names)}{nearest(word, names)}"
        raise Problem("invalid_value", f"Send kind={names[0]}, or leave kind out.", fields={"kind": what})
    return (kind,)
