"""What became of records since a cursor, each told once: created, updated, deleted or merged.

What is told goes in rounds. A round is about the entries from its start to the newest one when it began, so all of its
pages tell of the same moment: a record that is written meanwhile is told again, in the next round. The cursor of the
last page is the start of that. In the middle of a round it holds the round's start and end and how far it came.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from crmkit.core.history import combined
from crmkit.core.history.combined import Change
from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import entries

SLICE = 5_000  # entries that one read goes through
OF_OTHERS = 500  # entries of others, for what they changed
LOOKED_AT = 5_000  # entries, one's own too, among which they are found
MOST_READ = 10_000  # entries of the records on one page, past which the page is cut short

Nouns = Mapping[str, Kind]  # the kinds to tell of, by the word that begins a handle


class Round(Struct, frozen=True):
    """The entries after the number `start` up to `end`, of which those up to `reached` are told."""

    start: int
    end: int
    reached: int

    @property
    def is_over(self) -> bool:
        return self.reached == self.end


class Page(Struct, frozen=True):
    """Some changes, and how far the round has come; after each of them it had come to the entry in `reached`."""

    changes: tuple[Change, ...]
    round: Round
    reached: tuple[int, ...] = ()

    def after(self, changes: int) -> Round:
        """Return how far the round had come after so many of the changes."""
        return Round(self.round.start, self.round.end, self.reached[changes - 1])


def beginning(connection: Connection, workspace: Workspace, start: int) -> Round:
    """Return the round that begins at this number now."""
    return Round(start, entries.newest(connection, workspace), start)


def page(connection: Connection, workspace: Workspace, nouns: Nouns, round: Round, limit: int) -> Page:
    """Return the next changes of a round, at most `limit`: those that are found in the next SLICE entries."""
    found, reached, read = list[Change](), list[int](), 0
    rows = entries.targets(connection, round.reached, round.end, SLICE)
    last = {target: seq for seq, target in rows if target.partition("/")[0] in nouns}
    for target, seq in sorted(last.items(), key=lambda pair: pair[1]):
        if entries.newest_of(connection, workspace.id, target, round.end) != seq:
            continue  # it is told where its newest entry is
        own = entries.of_target(connection, workspace, target, round.start, round.end)
        read += len(own)
        change = combined.of(nouns[target.partition("/")[0]], own)
        if change:
            found.append(change)
            reached.append(seq)
        if len(found) == limit or read > MOST_READ:
            return Page(tuple(found), Round(round.start, round.end, seq), tuple(reached))
    come = round.end if len(rows) < SLICE else rows[-1][0]
    return Page(tuple(found), Round(round.start, round.end, come), tuple(reached))


class Others(Struct, frozen=True):
    """What others changed, the newest first; `has_more` tells that older changes may be left out."""

    changes: tuple[Change, ...]
    has_more: bool


def by_others(
    connection: Connection, workspace: Workspace, nouns: Nouns, start: int, address: str, limit: int
) -> Others:
    """Return what became of records by entries after the number `start`, of which somebody else wrote one or more.

    Of each, `at`, `by` and `fields` are those of the entries of others. The newest OF_OTHERS of these are looked at,
    among the newest LOOKED_AT of all.
    """
    end = entries.newest(connection, workspace)
    since = max(start, end - LOOKED_AT)
    rows = entries.of_others(connection, since, end, address, OF_OTHERS)
    written = dict.fromkeys(target for target in rows if target.partition("/")[0] in nouns)
    found = list[Change]()
    for target in written:
        kind, own = nouns[target.partition("/")[0]], entries.of_target(connection, workspace, target, start, end)
        change, theirs = combined.of(kind, own), combined.of(kind, [entry for entry in own if entry.by != address])
        if change is None or theirs is None:
            continue
        if len(found) == limit:
            return Others(tuple(found), has_more=True)
        fields = theirs.fields if change.change == combined.UPDATED else ()
        found.append(Change(change.handle, change.change, theirs.at, theirs.by, fields, change.into))
    oldest = entries.oldest(connection, workspace)
    is_cut = since > start or (oldest is not None and oldest[0] > start + 1)  # or entries after it are gone
    return Others(tuple(found), has_more=len(rows) == OF_OTHERS or is_cut)


def nouns(kinds: Sequence[Kind]) -> Nouns:
    return {kind.name: kind for kind in kinds}
