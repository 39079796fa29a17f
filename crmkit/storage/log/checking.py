"""The audit log compared with its seals, some at a time: which entries were changed, removed, or put in between."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from crmkit import ids
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace, number_of, within
from crmkit.storage.log import audit, seals
from crmkit.storage.log.chain import Chain, content
from crmkit.storage.log.seals import Seal

AT_ONCE = 10  # seals that are compared in one moment: some ten milliseconds
SLICE = 5_000  # entries whose places are looked at in one moment: some milliseconds
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1  # numbers that a row may have


class Part(Struct):
    """What was found of the seals up to a number, the last of which has this digest.

    It `is_met` once a seal that is whole and follows the one before it has the digest that is `sought`. `sealed` are
    entries that are there, with those that were `erased`; `pruned` were removed for their age, and `gone` are those of
    workspaces that were deleted.
    """

    digest: bytes
    number: int = 0
    sought: bytes = b""
    is_met: bool = False
    sealed: int = 0
    erased: int = 0
    pruned: int = 0
    gone: int = 0
    faults: list[str] = []
    is_over: bool = False


def check(connection: Connection, chain: Chain, part: Part) -> Part:
    """Return what is found of the next seals after a part; a digest that the part has may be that of any seal."""
    found = Part(part.digest, part.number, part.sought, part.is_met)
    if part.number == 0 and seals.has_any_before_the_first(connection):
        found.faults.append("a seal stands before the first one")
    rows = seals.following(connection, part.number, AT_ONCE)
    for seal in rows:
        wrong = [*_of_chain(chain, found, seal)]
        found.faults += wrong
        found.is_met |= not wrong and seal.digest == part.sought
        found.number, found.digest = seal.number, seal.digest
        try:
            found.faults += _of_entries(connection, chain, found, seal)
        except Exception as error:  # a text that the database cannot read as one
            found.faults.append(f"{_span(seal)} of workspace number {number_of(seal.last)} cannot be read: {error}")
    found.is_over = len(rows) < AT_ONCE
    return found


def removed(connection: Connection, chain: Chain) -> tuple[int, list[str]]:
    """Return how many entries were removed for their age, of all workspaces, and which of them is not proved."""
    rows = connection.execute("SELECT workspace_id, after_seq, entries, proof FROM audit_begins").fetchall()
    faults = [
        f"{id}: it begins at {_name(after + 1)}, as no removal of old entries left it"
        for id, after, entries, proof in rows
        if chain.begins(id, after, entries) != proof
    ]
    return sum(row[2] for row in rows), faults


def misplaced(connection: Connection, begin: int) -> tuple[list[str], int | None]:
    """Return which of the next entries from a number on lie outside the range of the workspace that they name.

    Lists would show them there, and no seal of that workspace holds them. With that comes where the next ones begin,
    None after the last.
    """
    end, count = connection.execute(
        "SELECT max(seq), count(*) FROM "
        f"(SELECT seq FROM audit WHERE seq >= ? ORDER BY seq {connection.dialect.limit}) AS q",
        (begin, SLICE),
    ).fetchone()
    if end is None:
        return [], None
    rows = connection.execute(
        "SELECT a.seq, w.id FROM audit AS a LEFT JOIN workspaces AS w ON w.id = a.workspace_id "
        "WHERE a.seq >= ? AND a.seq <= ? "
        "AND (w.id IS NULL OR a.seq <= w.number << 32 OR a.seq >= (w.number + 1) << 32) ORDER BY a.seq",
        (begin, end),
    ).fetchall()
    faults = [
        f"the row {seq} of the log names no workspace that is here"
        if id is None
        else f"{id}: the row {seq} of the log names it, and was put in outside its numbers"
        for seq, id in rows
    ]
    return faults, end + 1 if count == SLICE and end < HIGHEST else None


def _of_chain(chain: Chain, before: Part, seal: Seal) -> Iterator[str]:
    if seal.number != before.number + 1:
        yield f"seals {before.number + 1} to {seal.number - 1} are missing"
    elif chain.seal(before.digest, seal.number, seal.after, seal.last, seal.entries, seal.root) != seal.digest:
        yield f"seal {seal.number} was changed, or the one before it, or secret.key is another than when it was made"


def _of_entries(connection: Connection, chain: Chain, found: Part, seal: Seal) -> Iterator[str]:
    """Yield what is wrong with the entries of a seal, and count them."""
    entries = {row[0]: row for row in seals.entries(connection, seal.after, seal.last)}
    number = number_of(seal.last)
    row = connection.execute("SELECT id FROM workspaces WHERE number = ?", (number,)).fetchone()
    if row is None:
        if not seals.is_ended(connection, chain, number):
            yield f"{_span(seal)} of workspace number {number} went with it, and no deletion did that"
        found.gone += seal.entries
        yield from (f"{_name(seq)} of a workspace that is gone was put in" for seq in entries)
        return
    workspace = Workspace(row[0], number)
    begins = seals.begins(connection, workspace.id)
    if begins is not None and seal.last <= begins[0]:
        yield from (f"{workspace.id}: {_name(seq)} was put in, where old entries were removed" for seq in entries)
        return
    held = seals.digests(connection, seal.after, seal.last)
    if len(held) != seal.entries or chain.root((seq, row[0]) for seq, row in held.items()) != seal.root:
        yield f"{workspace.id}: the digests of {_span(seal)} are not those of seal {seal.number}"
    wrong = [f"{_name(seq)} {fault}" for seq, fault in _compared(chain, found, entries, held)]
    if len(wrong) == seal.entries > 1:
        wrong = [f"none of {_span(seal)} is as it was sealed, or secret.key is another"]
    yield from (f"{workspace.id}: {fault}" for fault in wrong)


def _compared(
    chain: Chain, found: Part, entries: Mapping[int, Sequence[Any]], held: Mapping[int, Sequence[Any]]
) -> Iterator[tuple[int, str]]:
    """Yield (number, what is wrong) of entries that are not as their digests have them."""
    for seq in sorted({*entries, *held}):
        if seq not in entries:
            yield seq, "was removed"
        elif seq not in held:
            yield seq, "was put in"
        else:
            found.sealed += 1
            *columns, changes = entries[seq]
            digest, salt, erased, proof = held[seq]
            if salt is not None and erased is None and proof is None:
                erased = content(salt, changes)
            elif salt is not None or changes != audit.ERASED or erased is None or chain.erased(seq, erased) != proof:
                yield seq, "was changed, and no erasure did that"
                continue
            found.erased += changes == audit.ERASED
            if chain.entry(columns, erased) != digest:
                yield seq, "was changed"


def _span(seal: Seal) -> str:
    return f"entries {within(seal.after) + 1} to {within(seal.last)}"


def _name(seq: int) -> str:
    return f"entry {within(seq)} ({ids.numbered('au', within(seq))})"
