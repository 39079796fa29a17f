"""Exports: all records that a query finds, at one moment, for a file."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo

from msgspec import Struct
from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.reading import audit, feeds, keys, lists
from crmkit.core.records import activities
from crmkit.errors import Problem
from crmkit.model.query import words
from crmkit.model.query.chosen import FIELDS, Path
from crmkit.model.query.listing import Batches
from crmkit.model.query.parse import MAX_TOKENS, TIMEZONE, Query
from crmkit.model.record import Kind, Kinds
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import whole
from crmkit.storage.log.audit import pairs as with_pairs

OF_PAGES = ("limit", "cursor", "count", MAX_TOKENS)
BESIDE = ("search", "sort", FIELDS, "explain", TIMEZONE, "format")  # parameters beside filters
MOST_KEYS = 10_000  # of custom that get a column each

Pairs = Sequence[tuple[str, str]]


class Export(Struct, frozen=True):
    """What is to be exported. Of custom, only what is at `keys` if there are any.

    `read_as` says in words what was asked, where a client wants to know; `notes` are on what may not have been meant.
    """

    kinds: Kinds
    kind: Kind
    workspace: Workspace
    query: Query
    keys: tuple[Path, ...]
    zone: tzinfo
    now: str
    read_as: str
    notes: tuple[str, ...]

    def is_empty(self, connection: Connection) -> bool:
        return not next(self._found(connection).batches(), None)

    def _found(self, connection: Connection) -> whole.Whole:
        conditions, _ = keys.followed(connection, self.kinds, self.workspace.id, self.query.conditions)
        return whole.find(connection, self.kind, self.workspace, replace(self.query, conditions=conditions))

    def batches(self, connection: Connection) -> Batches:
        """Return the rows as they are read on this connection."""
        kind, query, found = self.kind, self.query, self._found(connection)
        rows = found.batches()
        if kind is self.kinds.audit and "changes" in query.fields:
            rows = _told(rows, 1 + query.fields.index("changes"))

        def all_keys() -> list[str]:
            if kind.custom is None or kind.custom.name not in query.fields:
                return []
            held = found.keys(MOST_KEYS + 1)
            if len(held) > MOST_KEYS:
                raise _too_many_keys()
            return held

        return Batches(kind, query.fields, rows, self.keys, all_keys, self.zone, self.now)


async def export(call: Call, kind: Kind, pairs: Pairs, fields: tuple[str, ...]) -> Export:
    """Return the export of all that these pairs of a query string find, with these fields after the id.

    Raises `invalid_filter` for what is of pages alone, and what lists.asked raises.
    """
    surplus = {name: "is of pages of a list alone" for name, _ in pairs if name in OF_PAGES}
    if surplus:
        raise Problem("invalid_filter", "Leave it out: an export has all that is found.", fields=surplus)
    kinds = call.crm.kinds
    own = log_filters(kinds, kind)
    if own:
        pairs = feeds.translated(call, kind, pairs, own)
    wanted = await lists.asked(call, kind, pairs, BESIDE)
    query = replace(wanted.query, fields=fields)
    in_order = replace(query, search="")  # since what a search finds is not sorted by how well it matches
    read_as = words.read_as(kind, wanted.pairs, in_order, wanted.asker, wanted.declared) if query.explains else ""
    notes = await lists.notes_on(call, wanted, is_first=True, is_empty=False)
    chosen = call.chosen.get(kind)
    found = Export(
        kinds=kinds,
        kind=kind,
        workspace=Workspace.of(call.actor),
        query=query,
        keys=chosen.keys if chosen else (),
        zone=wanted.asker.zone,
        now=call.now,
        read_as=read_as,
        notes=(*query.notes, *notes),
    )
    doubted = await lists.notes_on(call, wanted, is_first=True, is_empty=True)
    if doubted != notes and await call.read(found.is_empty):  # whether it is takes a statement
        return replace(found, notes=(*query.notes, *doubted))
    return found


def log_filters(kinds: Kinds, kind: Kind) -> Mapping[str, str]:
    """Return the parameters of a log's lists that stand for filters (see feeds.translated), none for other kinds."""
    if kind is kinds.activity:
        return activities.filters(kinds)
    return audit.FILTERS if kind is kinds.audit else {}


def _told(batches: Iterator[whole.Rows], place: int) -> Iterator[whole.Rows]:
    """Yield entries of the log with their changes as lists show them."""
    for rows in batches:
        yield [[*row[:place], with_pairs(row[place]), *row[place + 1 :]] for row in rows]


def _too_many_keys() -> Problem:
    hint = f"These records have more than {MOST_KEYS:,} keys of custom, too many for columns: send format=jsonl."
    return Problem("invalid_value", hint, fields={FIELDS: "choose custom.KEY one by one, or leave custom out"})
