"""What is kept beside records, compared with them a little in each moment, and put right while no server runs."""

from collections.abc import Iterator
from functools import partial

from msgspec import Struct

from crmkit.core.configuration import countries
from crmkit.model.record import Kind, Kinds
from crmkit.records.activity import CONTACTS
from crmkit.storage import jobs
from crmkit.storage.examining import counts, derived
from crmkit.storage.examining.mismatch import Look, Mismatch
from crmkit.storage.interface.brand import ReadNext, RunNext
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Finding
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.workspaces import lookup

MOST_TOLD = 3  # faults of each sort; the others are counted
REPAIR = "`crmkit doctor --repair` puts that right while no server runs"
GONE = "records are gone that nobody deleted here: compare a backup first, once repaired only the log tells of them"

Says = tuple[list[Mismatch], int | None]  # what is wrong, and the number of the last row looked at


class Repaired(Struct, frozen=True):
    """How many faults of what is kept were put right, and what told of records that are `gone`, and went by that."""

    wrong: int
    gone: list[str]


def examine(read: ReadNext, kinds: Kinds) -> Iterator[Finding]:
    """Yield how counts, derived fields and the texts of search are."""
    for name, looks in _sorts(kinds).items():
        traces, others, wrong = list[str](), list[str](), 0
        for workspace in _workspaces(read):
            for found in _found(read, looks, workspace):
                wrong += len(found)
                for each in found:
                    told = traces if each.is_trace else others
                    if len(told) < MOST_TOLD:
                        told.append(each.says)
        yield Finding(name, not wrong, _told(traces, others, wrong) if wrong else "as the records have it")


def _sorts(kinds: Kinds) -> dict[str, list[Look]]:
    return {
        "counts": [*counts.looks(kinds)],
        "derived": [*derived.looks(kinds, CONTACTS)],
        "search": [partial(_texts, kind) for kind in kinds.searched],
    }


def repair(run: RunNext, kinds: Kinds, now: str) -> Repaired:
    """Put right what is kept beside records, and make the index of texts anew."""
    looks, repaired, gone = [look for looks in _sorts(kinds).values() for look in looks], 0, list[str]()
    for workspace in run(lambda tx: lookup.following(tx.connection, 0, _ALL), ANYWHERE, now):
        for look in looks:
            after: int | None = workspace.first
            while after is not None:
                wrong, after = run(partial(_mend, look=look, workspace=workspace, after=after), ANYWHERE, now)
                repaired += sum(1 for each in wrong if each.repair)
                gone += [each.says for each in wrong if each.is_trace]
    for kind in kinds.searched:
        run(partial(rebuild, kind=kind), ANYWHERE, now)
        index(run, kind, now)
    return Repaired(repaired, gone)


def index(run: RunNext, kind: Kind, now: str) -> None:
    """Index the texts of a kind that wait."""
    while run(partial(_index, kind=kind), ANYWHERE, now):
        pass


_ALL = 1 << 62
_AT_ONCE = 100  # workspaces that are read together


def _workspaces(read: ReadNext) -> Iterator[Workspace]:
    after, rows = 0, None
    while rows is None or len(rows) == _AT_ONCE:
        rows = read(partial(lookup.following, number=after, most=_AT_ONCE))
        for workspace in rows:
            after = workspace.number
            yield workspace


def _found(read: ReadNext, looks: list[Look], workspace: Workspace) -> Iterator[list[Mismatch]]:
    """Yield what is wrong in a workspace: the first rows of all looks are of one moment, further rows of others."""

    def first(connection: Connection) -> list[Says]:
        return [look(connection, workspace, workspace.first) for look in looks]

    for look, (wrong, last) in zip(looks, read(first), strict=True):
        found, after = wrong, last
        yield found
        while after is not None:
            found, after = read(partial(_next, look, workspace, after))
            yield found


def _next(look: Look, workspace: Workspace, after: int, connection: Connection) -> Says:
    return look(connection, workspace, after)


def _texts(kind: Kind, connection: Connection, workspace: Workspace, after: int) -> Says:
    """Compare the texts of search, unless they are about to follow the country of the workspace."""
    if jobs.is_pending(connection, workspace.id, countries.READ_ANEW):
        return [], None
    return connection.texts.compare(connection, kind, workspace, after)


def _told(traces: list[str], others: list[str], wrong: int) -> str:
    told = [*traces, *others][:MOST_TOLD]
    more = f"; and {wrong - len(told):,} more" if wrong > len(told) else ""
    return f"{'; '.join(told)}{more}; {f'{GONE}; ' if traces else ''}{REPAIR}"


def _mend(tx: Tx, look: Look, workspace: Workspace, after: int) -> Says:
    found, last = look(tx.connection, workspace, after)
    for wrong in found:
        for statement in wrong.repair:
            statement.run(tx.connection)
    return found, last


def rebuild(tx: Tx, kind: Kind) -> None:
    """Drop all texts of a kind, and queue those of all its records."""
    tx.connection.texts.rebuild(tx, kind)


def _index(tx: Tx, kind: Kind) -> bool:
    return tx.connection.texts.index(tx, kind)
