"""A page of what a search finds.

Up to COUNTED matches are all found at once and ranked by their titles, so the total is known. Of more matches, the
tiers are read one by one, the best first, for as long as the page has room.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import pages, planner
from crmkit.storage.lists.pages import Page, PageReader
from crmkit.storage.lists.plan import LookUp
from crmkit.storage.lists.sql import where
from crmkit.storage.sqlite.dialect import DIALECT
from crmkit.storage.sqlite.search import plan as search_plan
from crmkit.storage.sqlite.search import sql
from crmkit.storage.sqlite.search.plan import SearchPlan


def page(reader: PageReader, terms: Terms, position: Sequence[Any] | None) -> Page:
    """Return the page of matches after `position`: best match first, unless the query has sort keys."""
    connection, kind, workspace, query = reader.connection, reader.kind, reader.workspace, reader.query
    counted = pages.COUNTED
    searched = search_plan.choose(connection, kind, workspace, terms, counted)
    times, seqs = counted + 1, ""
    if not searched.are_many:
        statement = sql.counted(kind, workspace, terms, searched, counted + 1)
        times, seqs = statement.run(connection).fetchone()
    is_counted = times <= counted
    matches = sql.numbered(seqs) if is_counted else sql.matches(kind, workspace, terms, searched)
    plan = planner.looked_up(kind, query, LookUp((matches,), "search"))
    if query.sorts:
        found = reader.sorted(plan, position)
    elif is_counted:
        found = _ranked(reader, terms, seqs, position)
    else:
        found = _by_tier(reader, terms, searched, position)
    found = reader.with_total(found, plan, None if query.conditions else times)
    corrected = [] if terms.text else [list(group) for group in terms.groups]
    following = None if found.position is None else [corrected, *found.position]
    positions = found.positions and [[corrected, *each] for each in found.positions]
    return replace(found, position=following, closest=bool(corrected and found.seqs), positions=positions)


def matches(connection: Connection, kind: Kind, workspace: Workspace, terms: Terms) -> Statement:
    """Return a SELECT of the numbers of all rows that match."""
    return sql.matches(kind, workspace, terms, search_plan.choose(connection, kind, workspace, terms, pages.COUNTED))


def _ranked(reader: PageReader, terms: Terms, seqs: str, position: Sequence[Any] | None) -> Page:
    """Return a page of the matches numbered `seqs`, the best tier first, the newest first within a tier."""
    limit, conditions = reader.query.limit, _conditions(reader)
    after = None if position is None else (position[0], position[1])
    statement = sql.ranked(reader.kind, terms, seqs, conditions, after, limit + 1)
    ranks = statement.run(reader.connection).fetchall()
    on_page = [seq for seq, _ in ranks[:limit]]
    return reader.picked(on_page, [[rank, seq] for seq, rank in ranks[:limit]], has_more=len(ranks) > limit)


def _by_tier(reader: PageReader, terms: Terms, searched: SearchPlan, position: Sequence[Any] | None) -> Page:
    """Return the same page of more matches than are ranked at once: tier by tier, until the page is full."""
    connection, kind, workspace, limit = reader.connection, reader.kind, reader.workspace, reader.query.limit
    end = workspace.last + 1
    start, before = (sql.TITLE_START, end) if position is None else position
    conditions = _conditions(reader)
    waiting: list[Any] = []
    if searched.waits:
        waiting = sql.waiting(kind, workspace, terms, conditions).run(connection).fetchall()
    ranks = [rank for seq, title in waiting if (rank := (sql.tier_of(terms, title), -seq)) > (start, -before)]
    for tier in sql.TIERS[start:]:
        if (tier == sql.TITLE_START and not terms.text) or (tier != sql.ANYWHERE and not kind.has_title):
            continue
        bound = before if tier == start else end
        statement = sql.of_tier(kind, workspace, terms, tier, searched, bound, conditions)
        rows = (statement + at_most(DIALECT, limit + 1)).run(connection)
        ranks += [(tier, -seq) for (seq,) in rows]
        if sum(rank[0] <= tier for rank in ranks) > limit:
            break
    ranks.sort()
    on_page = [-minus for _, minus in ranks[:limit]]
    positions = [[tier, -minus] for tier, minus in ranks[:limit]]
    return reader.picked(on_page, positions, has_more=len(ranks) > limit)


def _conditions(reader: PageReader) -> Statement | None:
    """Return what the records that a search finds have to meet beside it."""
    conditions = reader.query.conditions
    return where(DIALECT, reader.workspace, conditions, by_number=True) if conditions else None
