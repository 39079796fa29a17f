"""A page of what a search finds.

All that match are found at once and ranked by their titles, so the total is known. Of a word that certainly more than
COUNTED texts have, the tiers are read one by one, the best first, and of each the newest rows first, for as long as the
page has room.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import at_most
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import pages, planner
from crmkit.storage.lists.pages import Page, PageReader
from crmkit.storage.lists.plan import LookUp
from crmkit.storage.lists.sql import where
from crmkit.storage.postgres.search import sql
from crmkit.storage.records import live
from crmkit.storage.search.words import may_be_meant

MAX_RECORDS_READ = 2_000  # records up to which a workspace's texts are read, and the index of all is left alone
AMPLE = 3  # times as many rows are looked through first as have a page of matches, were they spread evenly
WIDER = 8  # times as many are looked through next


class Frequent(Struct, frozen=True):
    """A word that at least so many texts have, the highest number of a row, and whether words of texts wait."""

    least: int
    newest: int
    waits: bool


def page(reader: PageReader, terms: Terms, position: Sequence[Any] | None) -> Page:
    """Return the page of matches after `position`: best match first, unless the query has sort keys."""
    kind, workspace, query = reader.kind, reader.workspace, reader.query
    is_by_index, frequent = _looked_at(reader, terms)
    plan = planner.looked_up(kind, query, LookUp((sql.matches(kind, workspace, terms, is_by_index),), "search"))
    if query.sorts:
        found, times = reader.sorted(plan, position), None
    elif frequent is None:
        found, times = _ranked(reader, terms, is_by_index, position)
    else:
        found, times = _by_tier(reader, terms, frequent, position), frequent.least
    found = reader.with_total(found, plan, times)
    corrected = [] if terms.text else [list(group) for group in terms.groups]
    following = None if found.position is None else [corrected, *found.position]
    positions = found.positions and [[corrected, *each] for each in found.positions]
    return replace(found, position=following, closest=bool(corrected and found.seqs), positions=positions)


def by_index(connection: Connection, kind: Kind, workspace: Workspace) -> bool:
    """Tell whether the index of all workspaces is asked: those of small ones are read."""
    return live(connection, workspace.id, kind.plural) > MAX_RECORDS_READ


def _looked_at(reader: PageReader, terms: Terms) -> tuple[bool, Frequent | None]:
    """Tell whether the index is asked, and what is known of a word that certainly more than COUNTED texts have.

    None of any other search, and where tiers are not what is asked for.
    """
    connection, kind, workspace, query = reader.connection, reader.kind, reader.workspace, reader.query
    words = [word for group in terms.groups for word in group]
    if len(words) != 1 or not may_be_meant(words[0]) or query.sorts or query.conditions:
        return by_index(connection, kind, workspace), None
    records, uses = sql.uses(kind, workspace, words[0]).run(connection).fetchone() or (0, None)
    is_by_index = records > MAX_RECORDS_READ
    if not is_by_index or uses is None or uses <= pages.COUNTED:
        return is_by_index, None
    newest, waiting = sql.rows(kind, workspace, pages.COUNTED).run(connection).fetchone()
    least = uses - waiting  # each that waits may have lost the word
    is_frequent = waiting <= pages.COUNTED < least
    return True, Frequent(least, newest, waiting > 0) if is_frequent else None


def _ranked(
    reader: PageReader, terms: Terms, is_by_index: bool, position: Sequence[Any] | None
) -> tuple[Page, int | None]:
    """Return a page of the matches, the best tier first, the newest first within a tier; how many match in all."""
    connection, limit, conditions = reader.connection, reader.query.limit, reader.query.conditions
    scope = where(connection.dialect, reader.workspace, conditions, by_number=True) if conditions else None
    found = sql.found(reader.workspace, terms, is_by_index)
    statement = sql.ranked(reader.kind, terms, found, scope, position) + at_most(connection.dialect, limit + 1)
    ranks = statement.run(connection).fetchall()
    on_page = [seq for seq, _, _ in ranks[:limit]]
    page = reader.picked(on_page, [[rank, seq] for seq, rank, _ in ranks[:limit]], has_more=len(ranks) > limit)
    return page, ranks[0][2] if ranks else 0


def _by_tier(reader: PageReader, terms: Terms, frequent: Frequent, position: Sequence[Any] | None) -> Page:
    """Return the same page of a word that many have: tier by tier, until the page is full."""
    kind, workspace, limit = reader.kind, reader.workspace, reader.query.limit
    end = frequent.newest + 1
    start, before = (sql.TITLE_START, end) if position is None else position
    ranks: list[tuple[int, int]] = []
    if frequent.waits:
        rows = sql.waiting(kind, workspace, terms).run(reader.connection)
        ranks = [(tier, -seq) for seq, tier in rows if (tier, -seq) > (start, -before)]
    span = AMPLE * (limit + 1) * (end - workspace.first) // frequent.least
    for tier in sql.TIERS[start:]:
        room = limit + 1 - sum(better < tier for better, _ in ranks)
        if room > 0 and sql.has_tier(kind, terms, tier):
            seqs = _newest(reader, terms, tier, (before if tier == start else end, span, room))
            ranks += [(tier, -seq) for seq in seqs]
    ranks.sort()
    positions = [[tier, -minus] for tier, minus in ranks[:limit]]
    return reader.picked([seq for _, seq in positions], positions, has_more=len(ranks) > limit)


def _newest(reader: PageReader, terms: Terms, tier: int, within: tuple[int, int, int]) -> list[int]:
    """Return the numbers of the newest matches of a tier among counted texts.

    They are numbered below the first of three numbers; so many rows as the second says are looked through first. The
    third is how many are returned at most.
    """
    (end, span, most), found = within, list[int]()
    least = reader.workspace.first + 1
    while end > least and len(found) < most:
        first = max(least, end - span)
        statement = sql.of_tier(reader.kind, terms, tier, range(first, end))
        rows = (statement + at_most(reader.connection.dialect, most - len(found))).run(reader.connection).fetchall()
        found += [seq for (seq,) in rows]
        end, span = first, span * WIDER if rows else end
    return found
