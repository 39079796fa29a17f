"""Counting records: the pairs of a query string -> groups."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.reading import feeds, keys, lists
from crmkit.core.records import activities
from crmkit.model.fields import Tags
from crmkit.model.form import Field
from crmkit.model.query import count as asked_of
from crmkit.model.query import words
from crmkit.model.query.count import Counting
from crmkit.model.query.cursor import seal, unseal
from crmkit.model.query.filters import CustomKey
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.model.query.parse import Query
from crmkit.model.record import Kind, Kinds
from crmkit.storage.counts import groups
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace

GROUPS = "groups"  # what the last line of a count counts

_CURSOR = (
    "Send the cursor of the page before with the same filters, by, sum, avg, min and max, in the same workspace; "
    "or leave cursor out to start at the first page."
)


def parameters(kinds: Kinds) -> dict[str, str]:
    """Return what the filters of a count of activities stand for (see feeds.read): those of their list, of which `by`
    groups, so that created_by filters."""
    filters = activities.filters(kinds)
    return {name: filter for name, filter in filters.items() if name != "by"} | {"created_by": filters["by"]}


async def count_activities(call: Call, pairs: Iterable[tuple[str, str]]) -> MixedListing:
    """Return the same as `count` for activities, whose filters are those of their list."""
    kinds = call.crm.kinds
    own, filters = asked_of.apart(kinds.activity, pairs)
    found = feeds.translated(call, kinds.activity, filters, parameters(kinds))
    return await count(call, kinds.activity, [*own.items(), *found])


async def count(call: Call, kind: Kind, pairs: Iterable[tuple[str, str]]) -> MixedListing:
    """Return the page of groups for the pairs of a query string: a row for each, which begins with the kind's plural.

    Raises what lists.find_all raises.
    """
    actor, key = call.actor, call.crm.key
    own, filters = asked_of.apart(kind, pairs)
    wanted = await lists.asked(call, kind, filters, asked_of.OTHERS, own.values(), own.get("cursor", ""))
    counting = asked_of.parse(kind, own, actor.timezone, wanted.declared)
    binding = json.dumps([wanted.query.binding(f"{actor.workspace_id}/{kind.plural}/count"), *counting.binding()])
    position = unseal(key, binding, counting.cursor, _CURSOR) if counting.cursor else None
    page, merged = await call.scan(_page, call.crm.kinds, kind, Workspace.of(actor), wanted.query, counting, position)
    is_first = position is None
    is_empty = is_first and not any(row["count"] for row in page.rows)
    doubted = await lists.notes_on(call, wanted, is_first, is_empty)
    notes = (*counting.notes, *merged, *(_told(counting, page) if is_first else ()), *doubted)

    def sealed(position: list[Any]) -> str:
        return seal(key, binding, position, wanted.query.at)

    next_cursor = None if page.position is None else sealed(page.position)
    rows = tuple((kind.plural, row) for row in page.rows)
    read_as = ""
    if wanted.query.explains:
        read_as = f"{words.asked(kind, wanted.pairs, wanted.asker, wanted.declared)}; {counting}"
    paging = Paging(is_first, page.total, None, next_cursor, notes, read_as=read_as)
    if page.positions:
        paging = replace(paging, cursor_after=lambda rows: sealed(page.positions[rows - 1]))
    return MixedListing(GROUPS, rows, paging)


def _page(
    connection: Connection,
    kinds: Kinds,
    kind: Kind,
    workspace: Workspace,
    query: Query,
    counting: Counting,
    position: Sequence[Any] | None,
) -> tuple[groups.Page, tuple[str, ...]]:
    """Return a page, and notes on the ids in its filters whose records were merged into others."""
    conditions, notes = keys.followed(connection, kinds, workspace.id, query.conditions)
    query = replace(query, conditions=conditions) if notes else query
    return groups.fetch_page(connection, kind, workspace, query, counting, position), notes


def _told(counting: Counting, page: groups.Page) -> tuple[str, ...]:
    """Return what the numbers of a page may be misread as."""
    lists_ = [
        group.name
        for group in counting.groups
        if isinstance(group.target, Field) and isinstance(group.target.type, Tags)
    ]
    notes = [f"a record counts once for each of its {name}, so the groups overlap" for name in lists_ if page.rows]
    for group in counting.groups:
        if isinstance(group.target, CustomKey) and page.rows and all(row[group.name] is None for row in page.rows):
            notes.append(f"none of these has {group.name}")
    if page.closest:
        notes.insert(0, "no exact match, closest counted")
    if page.is_past_numbers:
        notes.append("a figure that is left out is larger than a number can be")
    return tuple(notes)
