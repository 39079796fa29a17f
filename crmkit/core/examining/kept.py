"""What is kept beside records, compared with them a little in each moment, and put right while no server runs."""

from collections.abc import Callable, Iterator
from functools import partial

from crmkit.core.configuration import countries
from crmkit.model.record import Kind, Kinds
from crmkit.records.activity import CONTACTS
from crmkit.storage import jobs
from crmkit.storage.examining import counts, derived
from crmkit.storage.examining.wrong import Look, Wrong
from crmkit.storage.interface.brand import ReadNext, RunNext
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Finding
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.workspaces import lookup

MOST_TOLD = 3  # faults of each sort; the others are counted
REPAIR = "`crmkit doctor --repair` puts that right while no server runs"

Says = tuple[list[str], int | None]  # what is wrong, and the number of the last row looked at


def examine(read: ReadNext, kinds: Kinds) -> Iterator[Finding]:
    """Yield how counts, derived fields and the texts of search are."""
    texts = [partial(_texts, kind) for kind in kinds.searched]
    sorts: dict[str, list[Callable[[Connection, Workspace, int], Says]]] = {
        "counts": [partial(_says, look) for look in counts.looks(kinds)],
        "derived": [partial(_says, look) for look in derived.looks(kinds, CONTACTS)],
        "search": [*texts],
    }
    for name, looks in sorts.items():
        told, wrong = list[str](), 0
        for workspace in _workspaces(read):
            for found in _found(read, looks, workspace):
                told += found[: MOST_TOLD - len(told)]
                wrong += len(found)
        yield Finding(name, not wrong, _told(told, wrong) if wrong else "as the records have it")


def repair(run: RunNext, kinds: Kinds, now: str) -> int:
    """Put right what is kept beside records, make the index of texts anew, and return how many faults there were."""
    looks, repaired = (*counts.looks(kinds), *derived.looks(kinds, CONTACTS)), 0
    for workspace in run(lambda tx: lookup.following(tx.connection, 0, _ALL), ANYWHERE, now):
        for look in looks:
            after: int | None = workspace.first
            while after is not None:
                count, after = run(partial(_mend, look=look, workspace=workspace, after=after), ANYWHERE, now)
                repaired += count
    for kind in kinds.searched:
        run(partial(_rebuild, kind=kind), ANYWHERE, now)
        while run(partial(_index, kind=kind), ANYWHERE, now):
            pass
    return repaired


_ALL = 1 << 62
_AT_ONCE = 100  # workspaces that are read together


def _workspaces(read: ReadNext) -> Iterator[Workspace]:
    after, rows = 0, None
    while rows is None or len(rows) == _AT_ONCE:
        rows = read(partial(lookup.following, number=after, most=_AT_ONCE))
        for workspace in rows:
            after = workspace.number
            yield workspace


def _found(
    read: ReadNext, looks: list[Callable[[Connection, Workspace, int], Says]], workspace: Workspace
) -> Iterator[list[str]]:
    """Yield what is wrong in a workspace: the first rows of all looks are of one moment, further rows of others."""

    def first(connection: Connection) -> list[Says]:
        return [look(connection, workspace, workspace.first) for look in looks]

    for look, (wrong, last) in zip(looks, read(first), strict=True):
        found, after = wrong, last
        yield found
        while after is not None:
            found, after = read(partial(_next, look, workspace, after))
            yield found


def _next(
    look: Callable[[Connection, Workspace, int], Says], workspace: Workspace, after: int, connection: Connection
) -> Says:
    return look(connection, workspace, after)


def _says(look: Look, connection: Connection, workspace: Workspace, after: int) -> Says:
    wrong, last = look(connection, workspace, after)
    return [each.says for each in wrong], last


def _texts(kind: Kind, connection: Connection, workspace: Workspace, after: int) -> Says:
    """Compare the texts of search, unless they are about to follow the country of the workspace."""
    if jobs.is_pending(connection, workspace.id, countries.READ_ANEW):
        return [], None
    return connection.texts.compare(connection, kind, workspace, after)


def _told(told: list[str], wrong: int) -> str:
    more = f"; and {wrong - len(told):,} more" if wrong > len(told) else ""
    return f"{'; '.join(told)}{more}; {REPAIR}"


def _mend(tx: Tx, look: Look, workspace: Workspace, after: int) -> tuple[int, int | None]:
    found: list[Wrong]
    found, last = look(tx.connection, workspace, after)
    for wrong in found:
        for statement in wrong.repair:
            statement.run(tx.connection)
    return len(found), last


def _rebuild(tx: Tx, kind: Kind) -> None:
    tx.connection.texts.rebuild(tx, kind)


def _index(tx: Tx, kind: Kind) -> bool:
    return tx.connection.texts.index(tx, kind)
