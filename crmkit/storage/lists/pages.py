"""Pages: a query -> the rows of one page, its total, and where the next one starts. One snapshot of the database."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from crmkit.model.query import groups
from crmkit.model.query.filters import Condition, Target
from crmkit.model.query.parse import Query
from crmkit.model.record import Kind, Tracked
from crmkit.storage.custom import indexes as custom_indexes
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import planner, sql
from crmkit.storage.lists.deadline import GaveUp
from crmkit.storage.lists.plan import Plan, WalkIndex, WalkValues
from crmkit.storage.records import live

COUNTED = 1_000  # matches that a total counts before it says 1000+, and that are ranked all at once

_decode = msgspec.json.Decoder(list[list[Any]]).decode


class Packed(msgspec.Struct, frozen=True):
    """Rows in one JSON array, as the database packed them, and their numbers.

    They are unpacked on the event loop, right before they are rendered: the thread that reads holds the GIL shortly.
    """

    json: bytes
    seqs: tuple[int, ...]

    def with_more(self, more: "Packed") -> "Packed":
        """Return these rows and then those."""
        glue = b"," if self.seqs and more.seqs else b""
        return Packed(self.json[:-1] + glue + more.json[1:], (*self.seqs, *more.seqs))

    def unpacked(self, seqs: Sequence[int]) -> list[list[Any]]:
        """Return the rows of these numbers, in their order."""
        rows = _decode(self.json)
        if seqs == self.seqs[: len(seqs)]:  # read in the order of the page, without the row that follows it
            return rows[: len(seqs)]
        by_number = dict(zip(self.seqs, rows, strict=True))
        return [by_number[seq] for seq in seqs]


class Page(msgspec.Struct, frozen=True):
    """The rows `packed` of which those numbered `seqs` are on the page, in this order.

    `position` is where the next page starts, None on the last. `total` is None when nobody asked, or when `at_least`
    says how many were counted before stopping. `closest` tells that a typo was forgiven. `positions` are where a page
    starts after each of the rows, where they were asked for.
    """

    packed: Packed
    seqs: Sequence[int]
    position: list[Any] | None
    total: int | None = None
    at_least: int | None = None
    closest: bool = False
    positions: list[list[Any]] | None = None

    @property
    def rows(self) -> list[list[Any]]:
        """Each row's id, then the values of the query's fields."""
        return self.packed.unpacked(self.seqs)


def fetch_page(
    connection: Connection,
    kind: Kind,
    workspace: Workspace,
    query: Query,
    position: Sequence[Any] | None,
    may_be_cut: bool = False,
) -> Page:
    """Return the page that starts after `position` (None: the first, which also has the total).

    One that `may_be_cut` has all `positions`.
    """
    query = as_of_now(connection, workspace, query)
    reader = PageReader(connection, kind, workspace, query, position is None, may_be_cut)
    if not query.search:
        plan = planner.decide(connection, kind, workspace, query)
        return reader.with_total(reader.sorted(plan, position), plan)
    texts, terms = connection.texts, Terms.exact(query.search, query.country)
    if position is not None:
        corrected, position = position[0], position[1:]
        if corrected:
            terms = Terms("", tuple(tuple(group) for group in corrected))
        return texts.page(reader, terms, position)
    found = texts.page(reader, terms, None)
    if not found.seqs:
        nearer = texts.closest(connection, kind, workspace, terms)
        if nearer is not None:
            return texts.page(reader, nearer, None)
    return found


def as_of_now(connection: Connection, workspace: Workspace, query: Query) -> Query:
    """Return the query with declared keys that know whether this snapshot has their indexes."""
    if not query.declared:
        return query
    ready = custom_indexes.ready(connection, workspace.id, [key.place for key in query.declared])
    now: Mapping[Target, Target] = {key: replace(key, is_ready=key.place in ready) for key in query.declared}

    def of_now(condition: Condition) -> tuple[Condition]:
        return (replace(condition, target=now.get(condition.target, condition.target)),)

    conditions = groups.replaced(query.conditions, of_now)
    sorts = tuple(replace(each, target=now.get(each.target, each.target)) for each in query.sorts)
    return replace(query, conditions=conditions, sorts=sorts)


class PageReader(msgspec.Struct, frozen=True):
    """Reads a page of one query; the first page gets a total."""

    connection: Connection
    kind: Kind
    workspace: Workspace
    query: Query
    is_first: bool
    may_be_cut: bool = False

    def sorted(self, plan: Plan, position: Sequence[Any] | None) -> Page:
        """Return the page after `position` in the order of the plan's sort keys."""
        packed, limit = self._rows(plan, position), self.query.limit
        seqs = packed.seqs[:limit]
        has_more = len(packed.seqs) > limit
        if not self.may_be_cut:
            return Page(packed, seqs, self._positions(plan, seqs[-1:])[0] if has_more else None)
        positions = self._positions(plan, seqs)
        return Page(packed, seqs, positions[-1] if has_more else None, positions=positions)

    def picked(self, seqs: Sequence[int], positions: list[list[Any]], has_more: bool) -> Page:
        """Return the page of these rows, each with the position after it."""
        fields = self.query.fields
        statement = sql.picked(self.connection.dialect, self.kind, self.workspace, fields, seqs)
        position = positions[-1] if has_more else None
        return Page(self._read(statement), seqs, position, positions=positions if self.may_be_cut else None)

    def with_total(self, page: Page, plan: Plan, times: int | None = None) -> Page:
        """Return the page with its total, if it is the first; more than COUNTED matches are counted only on demand.

        `times` is how many match, where that is known; any number above COUNTED stands for all of those.
        """
        if not self.is_first:
            return page
        if page.position is None:
            return replace(page, total=len(page.seqs))
        if not self.query.filtered and issubclass(self.kind.record, Tracked):
            return replace(page, total=live(self.connection, self.workspace.id, self.kind.plural))
        exact = self.query.exact_count
        if times is None or (exact and times > COUNTED):
            most = None if exact else COUNTED + 1
            statement = sql.count(self.connection.dialect, self.kind, self.workspace, plan, most)
            (times,) = statement.run(self.connection).fetchone()
        return replace(page, at_least=COUNTED) if times > COUNTED and not exact else replace(page, total=times)

    def _rows(self, plan: Plan, position: Sequence[Any] | None) -> Packed:
        if plan.filled is None:
            return self._planned(plan, position)
        packed = Packed(b"[]", ())
        if position is None or position[0] is not None:
            packed = self._planned(plan.filled, position)
            if len(packed.seqs) > self.query.limit:
                return packed
        elif plan.rest is not None:
            return self._planned(plan.rest, position[1:])
        if plan.rest is None:
            return self._planned(plan, position)
        missing = replace(plan.rest.query, limit=self.query.limit - len(packed.seqs))
        return packed.with_more(self._planned(replace(plan.rest, query=missing), None))

    def _planned(self, plan: Plan, position: Sequence[Any] | None) -> Packed:
        """Return the rows of a page as planned; a walk that passes over too many rows is given up for another plan."""
        if not (isinstance(plan.access, WalkIndex | WalkValues) and plan.access.is_trial):
            return self._read(self._page(plan, position))
        try:
            with self.connection.trial():
                return self._read(self._page(plan, position))
        except GaveUp:
            plan = planner.after_trial(self.connection, self.kind, self.workspace, plan)
            return self._read(self._page(plan, position))

    def _page(self, plan: Plan, position: Sequence[Any] | None) -> Statement:
        return sql.page(self.connection.dialect, self.kind, self.workspace, plan, position)

    def _positions(self, plan: Plan, seqs: Sequence[int]) -> list[list[Any]]:
        statement = sql.positions_of(self.connection.dialect, self.kind, self.workspace, plan.sorts, seqs)
        found = {seq: position for seq, *position in statement.run(self.connection)}
        return [found[seq] for seq in seqs]

    def _read(self, statement: Statement) -> Packed:
        rows, seqs = statement.run(self.connection).fetchone()
        return Packed(rows or b"[]", tuple(map(int, seqs.split(","))) if seqs else ())
