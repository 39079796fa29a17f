"""All records that a query finds, as few bytes: what a change or a delete of all of them acts on."""

from collections.abc import Iterator, Sequence

from crmkit.model.query.parse import Query
from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import pages, planner, sql
from crmkit.storage.lists.plan import LookUp

Members = list[tuple[str, int]]  # id and version of each record
Part = tuple[str, str]  # their ids and their versions, each separated by commas


def parts(connection: Connection, kind: Kind, workspace: Workspace, query: Query, at_once: int) -> Iterator[Part]:
    """Yield all records of a query, so many in each part, in the order of their rows.

    A search finds what matches as it was typed.
    """
    query = pages.as_of_now(connection, workspace, query)
    if query.search:
        matches = connection.texts.matches(connection, kind, workspace, Terms.exact(query.search, query.country))
        plan = planner.looked_up(kind, query, LookUp((matches,), "search"))
    else:
        plan = planner.of_all(connection, kind, workspace, query)
    yield from sql.members(connection.dialect, kind, workspace, plan, at_once).run(connection)


def members_of(part: Part) -> Members:
    """Return the records of a part."""
    ids, versions = part
    return list(zip(ids.split(","), map(int, versions.split(",")), strict=True))


def versions(connection: Connection, kind: Kind, workspace_id: str, ids: Sequence[str]) -> dict[str, int]:
    """Return the versions of the records with these ids that are live."""
    sql = f"SELECT id, version FROM {quoted(kind.plural)} WHERE workspace_id = ? AND id IN ({_each(ids)})"
    return dict(connection.execute(sql, (workspace_id, *ids)).fetchall()) if ids else {}


def linking(connection: Connection, kind: Kind, workspace_id: str, link: str, ids: Sequence[str]) -> dict[str, int]:
    """Return how many records of a kind `link` to each of these ids, without those that none links to."""
    name = quoted(link)
    sql = f"SELECT {name}, count(*) FROM {quoted(kind.plural)} WHERE workspace_id = ? AND {name} IN ({_each(ids)})"
    return dict(connection.execute(f"{sql} GROUP BY {name}", (workspace_id, *ids)).fetchall()) if ids else {}


def _each(ids: Sequence[str]) -> str:
    return ", ".join("?" * len(ids))
