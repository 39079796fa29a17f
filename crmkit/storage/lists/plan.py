"""What leads to the rows of a filtered list, when that is quicker than to walk the list in its order.

A walk ends soon when many rows meet the filters; a filter that few rows meet is better looked up, and its rows sorted.
How many they are is counted by a short look at the filter's index, or at the search index for texts.
"""

import re
from collections.abc import Iterator
from math import isqrt

from crmkit.model import fold
from crmkit.model.fields import Tags
from crmkit.model.form import Field
from crmkit.model.query import Condition, Query
from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import indexes
from crmkit.storage.lists.sql import ordering, where
from crmkit.storage.records import live
from crmkit.storage.sqlite.search.sql import phrase
from crmkit.storage.sqlite.search.trigrams import TRIGRAM

# Rows that are looked up and sorted at most; fewer in small workspaces, where a walk finds a page of them sooner: one
# over N rows of which M meet the filter looks at LIMIT * N / M, and a lead at M.
FEW = 5_000
AT_ONCE = 300  # before a walk was tried: to count more takes longer than most walks do
MANY = 100_000  # where no index has the order, so that the whole table would be read and sorted instead

_ASCII = re.compile(r"[\x20-\x7e]+")


def best(
    connection: Connection, kind: Kind, workspace: Workspace, query: Query, was_tried: bool = False
) -> Statement | None:
    """Return the SELECT of the rowids that the most selective filter leaves, None when none leaves but a FEW.

    Where a walk is possible and `was_tried` is not set, they are to be fewer still: AT_ONCE.
    """
    candidates = [*leads(kind, workspace, query)]
    if not candidates:
        return None
    sorts = ordering(kind, query)
    is_walk = indexes.of_order(kind, query.conditions, sorts) or indexes.skips_empty(kind, sorts[0])
    rows = live(connection, workspace.id, kind.plural) or FEW**2
    few = min(FEW if was_tried else AT_ONCE, isqrt(query.limit * rows))
    found, least = None, (few if is_walk else MANY) + 1
    for lead in candidates:
        probe = Statement("SELECT count(*) FROM (") + lead + at_most(least) + Statement(")")
        (left,) = connection.execute(probe.sql, probe.args).fetchone()
        if left < least:
            found, least = lead, left
    return found


def leads(kind: Kind, workspace: Workspace, query: Query) -> Iterator[Statement]:
    """Yield the SELECT of the rowids that each filter leaves, if an index knows it and the order does not."""
    if indexes.is_unique(kind, query.conditions):
        return
    walked = indexes.of_order(kind, query.conditions, ordering(kind, query))
    led: dict[str, list[Condition]] = {}
    for condition in query.conditions:
        if indexes.is_led(kind, condition):
            led.setdefault(condition.target.name, []).append(condition)
        elif (match := _match(kind, condition)) is not None:
            yield _texts(kind, workspace, match)
    for name, conditions in led.items():
        if name not in walked:
            yield Statement(f"SELECT r.seq FROM {kind.plural} AS r WHERE ") + where(workspace, conditions)


def _texts(kind: Kind, workspace: Workspace, match: str) -> Statement:
    """Return the SELECT of the rows whose text matches in the search index, and of all that wait for it."""
    first, last = workspace.first, workspace.last
    return Statement(
        f"SELECT -s.rowid AS seq FROM {kind.plural}_search AS s WHERE s.rowid BETWEEN ? AND ? "
        f"AND NOT EXISTS (SELECT 1 FROM {kind.plural}_unindexed AS u WHERE u.seq = -s.rowid) "
        f"AND {kind.plural}_search MATCH ? "
        f"UNION ALL SELECT u.seq FROM {kind.plural}_unindexed AS u WHERE u.seq BETWEEN ? AND ?",
        (-last, -first, match, first, last),
    )


def _match(kind: Kind, condition: Condition) -> str | None:
    """Return the FTS5 query that finds every text a condition can be true of, None when there is none."""
    target, operator, value = condition.target, condition.operator, condition.value
    if not isinstance(target, Field) or target not in (*kind.searched, *([kind.title] if kind.is_searched else [])):
        return None
    if operator not in ("eq", "in", "like"):
        return None
    runs = [_run(text) for text in (value if isinstance(value, tuple) else (value,))]
    if isinstance(target.type, Tags) and operator == "eq":
        return " AND ".join(phrase(run) for run in runs if run) or None
    return " OR ".join(phrase(run) for run in runs) if all(runs) else None


def _run(text: str) -> str:
    """Return the longest part of a folded text that stands in the text as search sees it, "" for none worth a look.

    ASCII is the same to filters and to search; what search does to accents and to other scripts may change where a
    part of a text begins and ends.
    """
    runs = [fold.plain(run) for run in _ASCII.findall(text)]
    longest = max(runs, key=len, default="")
    return longest if len(longest) >= TRIGRAM else ""
