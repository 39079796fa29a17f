"""Reading records: one by its id, or a page of those that a query finds."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit.core import lookup
from crmkit.core.call import Call
from crmkit.core.reading import filter_notes, keys
from crmkit.model.actor import Asker
from crmkit.model.query import parse, words
from crmkit.model.query.chosen import ByKind
from crmkit.model.query.cursor import moment_of, seal, unseal
from crmkit.model.query.filters import NONE, Declarations
from crmkit.model.query.groups import Criterion
from crmkit.model.query.listing import Listing, Paging
from crmkit.model.query.parse import Query
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage.custom import indexes
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import pages

CLOSEST = "no exact match, closest shown"


async def fetch(call: Call, kind: Kind, id: str) -> Record:
    """Return one record; raises `not_found`."""
    return await call.read(lookup.existing, kind, call.actor, lookup.id_or_key(kind, id))


class Asked(Struct, frozen=True):
    """What the pairs of a query string ask of a kind: `query`, in which ids stand for natural keys, for this `asker`.

    `pairs` are without the `timezone=` in `zones`. `conditions` are those of the pairs, `declared` the keys of custom
    that they may be about. `lost` has a note for each natural key that names nothing.
    """

    kind: Kind
    query: Query
    asker: Asker
    pairs: Sequence[tuple[str, str]]
    zones: Sequence[str]
    conditions: Sequence[Criterion]
    declared: Declarations
    lost: tuple[str, ...] = ()


async def asked(
    call: Call,
    kind: Kind,
    pairs: Iterable[tuple[str, str]],
    others: Sequence[str] = parse.OTHERS,
    mentions: Iterable[str] = (),
    cursor: str = "",
) -> Asked:
    """Return what the pairs of a query string ask for, raising what parse.parse does.

    The declared keys of custom that the texts `mentions` name are looked up with those of the pairs. `cursor` stands
    for one that is not among these.
    """
    actor = call.actor
    pairs, zones = _without_zone(pairs)
    names = (*(name for name, _ in pairs), *(text for name, text in pairs if name == "sort"), *mentions)
    declared = await _declared(call, kind, names)
    # on a later page filters are told by the moment of the first one
    asker = actor.asker(moment_of(cursor or dict(pairs).get("cursor", "")) or call.now)
    wanted = parse.parse(kind, pairs, asker, declared, others)
    conditions, lost = wanted.conditions, tuple[str, ...]()
    if keys.are_in(conditions):
        found, lost = await call.read(keys.resolved, call.crm.kinds, actor, conditions)
        wanted = replace(wanted, conditions=found)
    return Asked(kind, wanted, asker, pairs, zones, conditions, declared, lost)


async def notes_on(call: Call, wanted: Asked, is_first: bool, is_empty: bool) -> tuple[str, ...]:
    """Return the notes on filters that may not say what was meant, for the first page or a later one."""
    query, kind = wanted.query, wanted.kind
    doubted = filter_notes.of(kind, wanted.pairs, query.conditions, query.sorts, is_empty, wanted.declared)
    doubted += wanted.lost if is_first else ()
    named = filter_notes.ids_in(wanted.conditions) if is_empty else ()
    if named:
        doubted += await call.read(filter_notes.missing, call.crm.kinds, call.actor, named)
    return doubted + tuple(
        f"timezone={zone} is the zone of this answer; timezone=eq:{zone} filters by the field"
        for zone in wanted.zones
        if parse.TIMEZONE in kind.by_name
    )


def columns(kind: Kind, chosen: ByKind, details: bool) -> tuple[str, ...]:
    """Return the fields that rows have after their id: those chosen, else those of list lines, with `details` all."""
    if kind in chosen:
        return chosen[kind].fields
    return tuple(name for name in (kind.members if details else kind.listed) if name != "id")


async def find_all(
    call: Call, kind: Kind, pairs: Iterable[tuple[str, str]], details: bool = False, skipped: int = 0
) -> Listing:
    """Return the page for the pairs of a query string (see model.query), with the fields that `columns` tells.

    With `details` (for JSON) they are all, unless some were chosen. The first page follows the rows `skipped`.
    """
    actor, key = call.actor, call.crm.key
    wanted = await asked(call, kind, pairs)
    query = replace(wanted.query, fields=columns(kind, call.chosen, details), skipped=skipped)
    binding = query.binding(f"{actor.workspace_id}/{kind.plural}")
    position = unseal(key, binding, query.cursor) if query.cursor else None
    page, merged = await call.scan(_page, call.crm.kinds, kind, Workspace.of(actor), query, position, call.may_be_cut)
    is_first = position is None
    doubted = await notes_on(call, wanted, is_first, is_first and not page.seqs)
    notes = (*query.notes, *merged, *((CLOSEST,) if page.closest else ()), *doubted)
    next_cursor = None if page.position is None else seal(key, binding, page.position, query.at)
    read_as = words.read_as(kind, wanted.pairs, query, wanted.asker, wanted.declared) if query.explains else ""
    paging = Paging(is_first, page.total, page.at_least, next_cursor, notes, read_as=read_as)
    if (after := page.positions) is not None:
        paging = replace(paging, cursor_after=lambda rows: seal(key, binding, after[rows - 1], query.at))
    return Listing(kind, query.fields, page.rows, paging)


def _page(
    connection: Connection,
    kinds: Kinds,
    kind: Kind,
    workspace: Workspace,
    query: Query,
    position: list[Any] | None,
    may_be_cut: bool,
) -> tuple[pages.Page, tuple[str, ...]]:
    """Return a page, and notes on the ids in its filters whose records were merged into others."""
    conditions, notes = keys.followed(connection, kinds, workspace.id, query.conditions)
    query = replace(query, conditions=conditions) if notes else query
    if not query.skipped or position is not None:
        return pages.fetch_page(connection, kind, workspace, query, position, may_be_cut), notes
    before = pages.fetch_page(connection, kind, workspace, replace(query, limit=query.skipped, fields=()), None)
    if before.position is None:
        return replace(before, seqs=()), notes
    page = pages.fetch_page(connection, kind, workspace, query, before.position, may_be_cut)
    return replace(page, total=before.total, at_least=before.at_least, closest=before.closest), notes


def _without_zone(pairs: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the pairs without `timezone=` that has no operator, and what that says: the actor has it (web's gate)."""
    filters, zones = [], []
    for name, text in pairs:
        if name != parse.TIMEZONE or ":" in text:
            filters.append((name, text))
        elif text:
            zones.append(text)
    return filters, zones


async def _declared(call: Call, kind: Kind, names: Iterable[str]) -> Declarations:
    """Return the keys of custom that the workspace declares, by key; none where no name is that of a key."""
    actor = call.actor
    if kind.name not in actor.preferences.declared_kinds.split() or not any("custom." in name for name in names):
        return NONE
    found = await call.read(indexes.declared, actor.workspace_id, kind.name)
    return {each.key: each.target for each in found if each.type.is_compared}
