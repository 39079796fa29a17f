"""The entries of the log that tell of a person: which targets they have, and how their content is erased.

An entry stays, with its action, its target, who and when. It is `audit.ERASED` what it held.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit, seals
from crmkit.storage.log.chain import Chain

SLICE = 5_000  # entries that one read goes through: some milliseconds
MOST_TARGETS = 1_000  # whose entries one transaction erases
REPEATING = ("link", "proposal")  # what begins the handles of targets whose entries repeat a request

_decode = msgspec.json.decode


class Slice(Struct, frozen=True):
    """The `targets` and the numbers of single entries to erase of a part of the log, up to the entry `reached`."""

    targets: tuple[str, ...]
    entries: tuple[int, ...]
    reached: int


class Sought(Struct, frozen=True):
    """What tells of a person in the log: entries of a record that was linked to one of the `ids`, and some requests.

    `links` are the fields that link, by the word with which handles begin. `tells` is asked of each repeated request.
    """

    ids: Collection[str]
    links: Mapping[str, Collection[str]]
    tells: Callable[[str], bool]


def found(connection: Connection, workspace: Workspace, after: int, sought: Sought) -> Slice:
    """Return what there is to erase in the next SLICE entries after a number, without those of the ids themselves.

    That is each record that is gone and was linked, and each entry that repeats a request.
    """
    ids = sought.ids
    (end,) = connection.execute(
        "SELECT max(seq) FROM (SELECT seq FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?) AS q",
        (after, workspace.last, SLICE),
    ).fetchone()
    if end is None:
        return Slice((), (), after)
    named = " OR ".join([connection.dialect.contains.format("changes", "?")] * len(ids))
    repeats = " OR ".join("target LIKE ?" for _ in REPEATING)
    within = "seq > ? AND seq <= ? AND changes <> ?"
    rows = connection.execute(
        f"SELECT seq, target, changes FROM audit WHERE {within} AND ({named} OR {repeats})",
        (after, end, audit.ERASED, *ids, *(f"{noun}/%" for noun in REPEATING)),
    ).fetchall()
    targets: dict[str, None] = {}
    entries = list[int]()
    for seq, target, changes in rows:
        noun, _, id = target.partition("/")
        if noun in REPEATING:
            entries += [seq] if sought.tells(changes) else []
            continue
        names = sought.links.get(noun, ())
        if target not in targets and _links(changes, names, ids) and _is_gone(connection, workspace, id):
            targets[target] = None
    return Slice(tuple(targets), tuple(entries), end)


def _links(changes: str, names: Collection[str], ids: Collection[str]) -> bool:
    pairs = audit.pairs(_decode(changes)) if names else {}
    return any(value in ids for name in names for value in pairs.get(name, ()))


def _is_gone(connection: Connection, workspace: Workspace, id: str) -> bool:
    sql = "SELECT 1 FROM deleted WHERE workspace_id = ? AND id = ?"
    return connection.execute(sql, (workspace.id, id)).fetchone() is not None


def note(tx: Tx, kind: Kind, id: str) -> None:
    """Log that the actor erased a person: the entry has no content, like all that stay of the person."""
    audit.append(tx, f"{kind.name}.erase", kind.handle(id), None)


def erase_targets(tx: Tx, chain: Chain, workspace: Workspace, targets: Iterable[str]) -> None:
    """Erase the content of all entries of these targets."""
    for target in targets:
        seals.empty(tx, chain, "a.workspace_id = ? AND a.target = ?", (workspace.id, target))


def erase_entries(tx: Tx, chain: Chain, numbers: Iterable[int]) -> None:
    """Erase the content of the entries with these numbers."""
    for seq in numbers:
        seals.empty(tx, chain, "a.seq = ?", (seq,))


def ids_in(connection: Connection, workspace: Workspace, operation: int) -> set[str]:
    """Return the ids of all that an operation wrote, whose first entry has this number."""
    sql = "SELECT target FROM audit WHERE workspace_id = ? AND op = ? UNION SELECT target FROM audit WHERE seq = ?"
    rows = connection.execute(sql, (workspace.id, operation, operation))
    return {target.partition("/")[2] for (target,) in rows}


def values_of(
    connection: Connection, workspace: Workspace, targets: Iterable[str], names: Iterable[str]
) -> dict[str, set[Any]]:
    """Return, by field, every value that the log tells of these targets, old and new."""
    held: dict[str, set[Any]] = {name: set() for name in names}
    sql = "SELECT changes FROM audit WHERE workspace_id = ? AND target = ?"
    for target in targets:
        for (changes,) in connection.execute(sql, (workspace.id, target)).fetchall():
            pairs = audit.pairs(_decode(changes))
            for name, values in held.items():
                values.update(value for value in pairs.get(name, ()) if value is not None)
    return held
