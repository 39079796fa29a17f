"""Pages: a query -> the records of one page, its total, and where the next one starts. One hop, one snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from crmkit.model.query import Condition, Query
from crmkit.model.record import Kind, Record, Tracked
from crmkit.storage import indexes, leads, matches, search
from crmkit.storage.matches import Terms
from crmkit.storage.patience import GaveUp, tried
from crmkit.storage.records import live, shown
from crmkit.storage.statements import Statement, Workspace, columns, count, may_pass_over, ordering, page, stored, where
from crmkit.storage.tx import Connection

COUNTED = 1_000  # matches of a filter that a total counts before it says 1000+


@dataclass(frozen=True)
class Page:
    """`position` is where the next page starts, None on the last. `total` is None when nobody asked, or when
    `at_least` says how many were counted before stopping. `closest` tells that a typo was forgiven."""

    records: tuple[Record, ...]
    position: list[Any] | None
    total: int | None = None
    at_least: int | None = None
    closest: bool = False


def fetch_page(
    connection: Connection, kind: Kind, workspace: Workspace, query: Query, position: Sequence[Any] | None
) -> Page:
    """Return the page that starts after `position` (None: the first, which also has the total)."""
    reading = _Reading(connection, kind, workspace, query, position is None)
    if not query.search:
        return reading.listed(position)
    terms = Terms.exact(query.search)
    if position is not None:
        corrected, position = position[0], position[1:]
        if corrected:
            terms = Terms("", tuple(tuple(group) for group in corrected))
        return reading.searched(terms, position)
    found = reading.searched(terms, None)
    if not found.records:
        nearer = search.closest(connection, kind, workspace, terms)
        if nearer is not None:
            return reading.searched(nearer, None)
    return found


Rows = tuple[tuple[Record, ...], list[Any] | None]  # the records of a page, and the position of its last


@dataclass(frozen=True)
class _Reading:
    """One query being read."""

    connection: Connection
    kind: Kind
    workspace: Workspace
    query: Query
    is_first: bool

    def listed(self, position: Sequence[Any] | None) -> Page:
        lead = leads.best(self.connection, self.kind, self.workspace, self.query)
        records, following = self._sorted(position, lead)
        return Page(records, following, *self._total(lead, records, following))

    def searched(self, terms: Terms, position: Sequence[Any] | None) -> Page:
        among = matches.among(self.kind, self.workspace, terms)
        records, following = self._sorted(position, among) if self.query.sorts else self._best(terms, position)
        total = self._total(among, records, following)
        corrected = [] if terms.text else [list(group) for group in terms.groups]
        onward = None if following is None else [corrected, *following]
        return Page(records, onward, *total, closest=bool(corrected and records))

    def _sorted(self, position: Sequence[Any] | None, among: Statement | None) -> Rows:
        rows = self._filled(position, among) or self._rows(self.query, position, among)
        kept = rows[: self.query.limit]
        following = list(kept[-1][len(stored(self.kind)) :]) if len(rows) > self.query.limit else None
        return tuple(shown(self.kind, row) for row in kept), following

    def _filled(self, position: Sequence[Any] | None, among: Statement | None) -> list[Any]:
        """Return the rows of a page that ends before the empty values of its first sort key, by the index that leaves
        those out; none when there is no such index or it does not fill the page."""
        first = ordering(self.kind, self.query)[0]
        if among is not None or not indexes.skips_empty(self.kind, first):
            return []
        if position is not None and position[0] is None:
            return []
        filled = replace(self.query, conditions=(*self.query.conditions, Condition(first.target, "not", None)))
        rows = self._rows(filled, position, None)
        return rows if len(rows) > self.query.limit else []

    def _rows(self, query: Query, position: Sequence[Any] | None, among: Statement | None) -> list[Any]:
        """Return the rows of a page. Without `among` its order is walked, for as long as that is worth trying: rows
        that are rare, or lie at the other end, are found sooner through their filter, or by reading the table as it
        lies."""
        place = (self.kind, self.workspace, query, position)
        if among is not None or not may_pass_over(self.kind, query):
            return self._read(page(*place, among))
        try:
            with tried(self.connection):
                return self._read(page(*place, None))
        except GaveUp:
            lead = leads.best(self.connection, self.kind, self.workspace, query, was_tried=True)
            return self._read(page(*place, lead, is_walk=lead is not None))

    def _read(self, statement: Statement) -> list[Any]:
        return self.connection.execute(statement.sql, statement.args).fetchall()

    def _best(self, terms: Terms, position: Sequence[Any] | None) -> Rows:
        """Return the best matches first (see matches.TIERS), the newest first among equals."""
        end = self.workspace.last + 1
        start, before = (matches.TITLE_START, end) if position is None else position
        conditions = where(self.workspace, self.query.conditions, by_rowid=True)
        select, width = columns(self.kind), len(stored(self.kind))
        waiting = matches.unindexed(self.kind, self.workspace, terms, select, conditions)
        ranked = []
        for row in self.connection.execute(waiting.sql, waiting.args):
            rank = (matches.tier_of(terms, row[width + 1]), -row[width])
            if rank > (start, -before):
                ranked.append((rank, row))
        for tier in matches.TIERS[start:]:
            if tier == matches.TITLE_START and not terms.text:
                continue
            bound = before if tier == start else end
            statement = matches.indexed(self.kind, self.workspace, terms, tier, bound, select, conditions)
            statement += Statement(" LIMIT ?", (self.query.limit + 1,))
            rows = self.connection.execute(statement.sql, statement.args).fetchall()
            ranked += [((tier, -row[width]), row) for row in rows]
            if sum(rank[0] <= tier for rank, _ in ranked) > self.query.limit:
                break
        ranked.sort(key=lambda pair: pair[0])
        kept = ranked[: self.query.limit]
        following = [kept[-1][0][0], -kept[-1][0][1]] if len(ranked) > self.query.limit else None
        return tuple(shown(self.kind, row) for _, row in kept), following

    def _total(
        self, among: Statement | None, records: Sequence[Record], following: list[Any] | None
    ) -> tuple[int | None, int | None]:
        """Return (total, None), or (None, COUNTED) when there are more matches than are counted unasked."""
        if not self.is_first:
            return None, None
        if following is None:
            return len(records), None
        if not self.query.filtered and issubclass(self.kind.record, Tracked):
            return live(self.connection, self.workspace.id, self.kind.plural), None
        exact = self.query.exact_count
        statement = count(self.kind, self.workspace, self.query, among, None if exact else COUNTED + 1)
        (matches,) = self.connection.execute(statement.sql, statement.args).fetchone()
        return (None, COUNTED) if matches > COUNTED and not exact else (matches, None)
