"""Which way a search goes: through all texts of a small workspace, by the index in others.

A small workspace shares the index with large ones, whose postings begin where its own end; its texts lie together, and
are read as quickly however large the neighbours are.
"""

from typing import Any

from crmkit.model.record import Kind
from crmkit.storage import pieces, search
from crmkit.storage.matches import START, Terms, Way
from crmkit.storage.records import live
from crmkit.storage.statements import Workspace
from crmkit.storage.tx import Connection

READ_THROUGH = 2_000  # records up to which texts are read, if they are as short as most: half a millisecond
READ_LETTERS = 500_000  # that they may have together
SAMPLED = 50_000  # records from which on it pays to know which pieces of words are rare
SAMPLE = 128  # texts, the newest
SAMPLE_LETTERS = 300  # of each


def of(connection: Connection, kind: Kind, workspace: Workspace, terms: Terms, counted: int) -> Way:
    """Return the way to search a kind's records in this workspace; no more than `counted` matches are counted."""
    records = live(connection, workspace.id, kind.plural)
    waits = search.waits(connection, kind, workspace)
    if records <= READ_THROUGH and records * _letters(connection, kind, workspace) <= READ_LETTERS:
        return Way(by_index=False, waits=waits)
    words = [word for group in terms.groups for word in group]
    are_many = not waits and len(words) == 1 and search.uses(connection, kind, workspace, words[0]) > counted
    if records < SAMPLED or not pieces.are_many(words):
        return Way(waits=waits, are_many=are_many)
    sample = _newest(connection, kind, workspace, f"substr(title || char(10) || rest, 1, {SAMPLE_LETTERS})")
    times = pieces.counted([*words, START + terms.text], "\n".join(sample))
    return Way(times=times, waits=waits, are_many=are_many)


def _letters(connection: Connection, kind: Kind, workspace: Workspace) -> int:
    """Return about how many letters an indexed text has."""
    lengths: list[int] = _newest(connection, kind, workspace, "length(title) + length(rest)")
    return sum(lengths) // max(1, len(lengths))


def _newest(connection: Connection, kind: Kind, workspace: Workspace, what: str) -> list[Any]:
    """Return this expression of the newest indexed texts."""
    sql = f"SELECT {what} FROM {kind.plural}_texts WHERE seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT {SAMPLE}"
    return [found for (found,) in connection.execute(sql, (workspace.first, workspace.last))]
