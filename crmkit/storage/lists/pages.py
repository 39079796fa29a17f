"""Pages: a query -> the records of one page, its total, and where the next one starts. One hop, one snapshot."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from crmkit.model.query import Condition, Query
from crmkit.model.record import Kind, Tracked
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import indexes, plan
from crmkit.storage.lists.budget import GaveUp
from crmkit.storage.lists.sql import count, may_pass_over, ordering, page, picked, place, where
from crmkit.storage.records import live
from crmkit.storage.sqlite.search import plan as search_plan
from crmkit.storage.sqlite.search import sql as search_sql
from crmkit.storage.sqlite.search import vocabulary
from crmkit.storage.sqlite.search.sql import Terms, Way

COUNTED = 1_000  # matches that a total counts before it says 1000+, and that are ranked all at once

_decode = msgspec.json.Decoder(list[list[Any]]).decode


class Packed(msgspec.Struct, frozen=True):
    """Rows in one JSON text, as SQLite packed them, and their numbers.

    They are unpacked on the event loop, right before they are rendered: a list took a third longer when the thread that
    reads made Python's objects too, which the loop then had to wait for and to fetch into its cache.
    """

    text: str
    seqs: tuple[int, ...]

    def unpacked(self, seqs: Sequence[int]) -> list[list[Any]]:
        """Return the rows of these numbers, in their order."""
        rows = dict(zip(self.seqs, _decode(self.text), strict=True))
        return [rows[seq] for seq in seqs]


class Page(msgspec.Struct, frozen=True):
    """The rows `packed` of which those numbered `seqs` are on the page, in this order.

    `position` is where the next page starts, None on the last. `total` is None when nobody asked, or when `at_least`
    says how many were counted before stopping. `closest` tells that a typo was forgiven.
    """

    packed: Packed
    seqs: Sequence[int]
    position: list[Any] | None
    total: int | None = None
    at_least: int | None = None
    closest: bool = False

    @property
    def rows(self) -> list[list[Any]]:
        """Each row's id, then the values of the query's fields."""
        return self.packed.unpacked(self.seqs)


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
    if not found.seqs:
        nearer = vocabulary.closest(connection, kind, workspace, terms)
        if nearer is not None:
            return reading.searched(nearer, None)
    return found


Found = tuple[Packed, Sequence[int], list[Any] | None]  # what a page has, and where the next one starts


class _Reading(msgspec.Struct, frozen=True):
    """One query being read."""

    connection: Connection
    kind: Kind
    workspace: Workspace
    query: Query
    is_first: bool

    def listed(self, position: Sequence[Any] | None) -> Page:
        lead = plan.best(self.connection, self.kind, self.workspace, self.query)
        packed, seqs, following = self._sorted(position, lead)
        return Page(packed, seqs, following, *self._total(lead, len(seqs), following))

    def searched(self, terms: Terms, position: Sequence[Any] | None) -> Page:
        way = search_plan.of(self.connection, self.kind, self.workspace, terms, COUNTED)
        times, found = COUNTED + 1, ""
        if not way.are_many:
            ((times, found),) = self._fetch(search_sql.found(self.kind, self.workspace, terms, way, COUNTED + 1))
        is_counted = times <= COUNTED
        among = search_sql.listed(found) if is_counted else search_sql.among(self.kind, self.workspace, terms, way)
        if self.query.sorts:
            packed, seqs, following = self._sorted(position, among)
        elif is_counted:
            packed, seqs, following = self._ranked(terms, found, position)
        else:
            packed, seqs, following = self._best(terms, way, position)
        total = self._total(among, len(seqs), following, None if self.query.conditions else times)
        corrected = [] if terms.text else [list(group) for group in terms.groups]
        onward = None if following is None else [corrected, *following]
        return Page(packed, seqs, onward, *total, closest=bool(corrected and seqs))

    def _sorted(self, position: Sequence[Any] | None, among: Statement | None) -> Found:
        packed = self._filled(position, among) or self._rows(self.query, position, among)
        seqs = packed.seqs[: self.query.limit]
        following = self._place(seqs[-1]) if len(packed.seqs) > self.query.limit else None
        return packed, seqs, following

    def _place(self, seq: int) -> list[Any]:
        (values,) = self._fetch(place(self.kind, self.workspace, self.query, seq))
        return list(values)

    def _filled(self, position: Sequence[Any] | None, among: Statement | None) -> Packed | None:
        """Return the rows of a page that ends before the empty values of its first sort key, by the index that leaves
        those out; none when there is no such index or it does not fill the page."""
        first = ordering(self.kind, self.query)[0]
        if among is not None or not indexes.skips_empty(self.kind, first):
            return None
        if position is not None and position[0] is None:
            return None
        filled = replace(self.query, conditions=(*self.query.conditions, Condition(first.target, "not", None)))
        packed = self._rows(filled, position, None)
        return packed if len(packed.seqs) > self.query.limit else None

    def _rows(self, query: Query, position: Sequence[Any] | None, among: Statement | None) -> Packed:
        """Return the rows of a page. Without `among` its order is walked, for as long as that is worth trying: rows
        that are rare, or lie at the other end, are found sooner through their filter, or by reading the table as it
        lies."""
        asked = (self.kind, self.workspace, query, position)
        if among is not None or not may_pass_over(self.kind, query):
            return self._read(page(*asked, among))
        try:
            with self.connection.trial():
                return self._read(page(*asked, None))
        except GaveUp:
            lead = plan.best(self.connection, self.kind, self.workspace, query, was_tried=True)
            return self._read(page(*asked, lead, is_walk=lead is not None))

    def _read(self, statement: Statement) -> Packed:
        ((text, seqs),) = self._fetch(statement)
        return Packed(text or "[]", tuple(map(int, seqs.split(","))) if seqs else ())

    def _fetch(self, statement: Statement) -> list[Any]:
        return self.connection.execute(statement.sql, statement.args).fetchall()

    def _ranked(self, terms: Terms, found: str, position: Sequence[Any] | None) -> Found:
        """Return the best of all matches first (see search_sql.TIERS), the newest first among equals."""
        limit, conditions = self.query.limit, self._conditions
        after = None if position is None else (position[0], position[1])
        ranks = self._fetch(search_sql.ranked(self.kind, terms, found, conditions, after, limit + 1))
        seqs = [seq for seq, _ in ranks[:limit]]
        following = [ranks[limit - 1][1], seqs[-1]] if len(ranks) > limit else None
        return self._picked(seqs), seqs, following

    @property
    def _conditions(self) -> Statement | None:
        """What the records that a search finds have to meet beside it."""
        return where(self.workspace, self.query.conditions, by_rowid=True) if self.query.conditions else None

    def _picked(self, seqs: Sequence[int]) -> Packed:
        return self._read(picked(self.kind, self.workspace, self.query, seqs))

    def _best(self, terms: Terms, way: Way, position: Sequence[Any] | None) -> Found:
        """Return the same of so many matches that the tiers are read one by one, for as long as the page has room."""
        end = self.workspace.last + 1
        start, before = (search_sql.TITLE_START, end) if position is None else position
        conditions = self._conditions
        titled: list[Any] = []
        if way.waits:
            titled = self._fetch(search_sql.unindexed(self.kind, self.workspace, terms, conditions))
        ranks = [rank for seq, title in titled if (rank := (search_sql.tier_of(terms, title), -seq)) > (start, -before)]
        for tier in search_sql.TIERS[start:]:
            if tier == search_sql.TITLE_START and not terms.text:
                continue
            bound = before if tier == start else end
            statement = search_sql.indexed(self.kind, self.workspace, terms, tier, way, bound, conditions)
            ranks += [(tier, -seq) for (seq,) in self._fetch(statement + at_most(self.query.limit + 1))]
            if sum(rank[0] <= tier for rank in ranks) > self.query.limit:
                break
        ranks.sort()
        seqs = [-minus for _, minus in ranks[: self.query.limit]]
        following = [ranks[len(seqs) - 1][0], seqs[-1]] if len(ranks) > len(seqs) else None
        return self._picked(seqs), seqs, following

    def _total(
        self, among: Statement | None, on_page: int, following: list[Any] | None, times: int | None = None
    ) -> tuple[int | None, int | None]:
        """Return (total, None), or (None, COUNTED) when there are more matches than are counted unasked.

        `times` is how many there are where that is known: any number above COUNTED stands for all of those.
        """
        if not self.is_first:
            return None, None
        if following is None:
            return on_page, None
        if not self.query.filtered and issubclass(self.kind.record, Tracked):
            return live(self.connection, self.workspace.id, self.kind.plural), None
        exact = self.query.exact_count
        if times is None or (exact and times > COUNTED):
            ((times,),) = self._fetch(
                count(self.kind, self.workspace, self.query, among, None if exact else COUNTED + 1)
            )
        return (None, COUNTED) if times > COUNTED and not exact else (times, None)
