"""How the rows of a count are read: a filter that few rows meet, an index that has all that is asked for, the table."""

from collections.abc import Sequence

from msgspec.structs import replace

from crmkit.model.fields import Phone, Tags
from crmkit.model.form import Field
from crmkit.model.operators.rows import RANGES
from crmkit.model.query import groups
from crmkit.model.query.count import Counting
from crmkit.model.query.filters import Condition, DeclaredKey, Target
from crmkit.model.query.groups import Criterion
from crmkit.model.query.parse import Query
from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import planner, sql
from crmkit.storage.lists.plan import LookUp, Plan, ReadTable, WalkIndex


def decide(
    connection: Connection, kind: Kind, workspace: Workspace, query: Query, counting: Counting
) -> tuple[Plan, bool]:
    """Return how the rows are read that a query finds, and whether a typo in its search was forgiven."""
    if query.search:
        return searched(connection, kind, workspace, query)
    plan = planner.of_all(connection, kind, workspace, query)
    index = covering(kind, query.conditions, counting) if isinstance(plan.access, ReadTable) else ()
    return (replace(plan, access=WalkIndex(index, query.conditions)) if index else plan), False


def searched(connection: Connection, kind: Kind, workspace: Workspace, query: Query) -> tuple[Plan, bool]:
    """Return the plan for the rows that a search finds, and whether a typo was forgiven, as in a list."""
    terms = Terms.exact(query.search, query.country)
    plan = _of_matches(connection, kind, workspace, query, terms)
    if sql.count(connection.dialect, kind, workspace, plan, 1).run(connection).fetchone()[0]:
        return plan, False
    nearer = connection.texts.closest(connection, kind, workspace, terms)
    return (plan, False) if nearer is None else (_of_matches(connection, kind, workspace, query, nearer), True)


def _of_matches(connection: Connection, kind: Kind, workspace: Workspace, query: Query, terms: Terms) -> Plan:
    matches = connection.texts.matches(connection, kind, workspace, terms)
    return planner.looked_up(kind, query, LookUp((matches,), "search"))


def covering(kind: Kind, filters: Sequence[Criterion], counting: Counting) -> tuple[str, ...]:
    """Return the fields of an index that has all that a count reads, () if none has."""
    targets = [*(group.target for group in counting.keys), *(figure.target for figure in counting.figures)]
    conditions = tuple(groups.flat(filters))
    if not all(map(_is_held, targets)) or not all(map(_is_checked, conditions)):
        return ()
    names = {target.name for target in (*targets, *(condition.target for condition in conditions))}
    first = counting.keys[0].target.name if counting.keys else ""
    having = [index.fields for index in kind.indexes if not index.filled and names <= {*index.fields, "id"}]
    return max(having, key=lambda fields: fields[0] == first, default=())


def _is_held(target: Target) -> bool:
    """Tell whether an index on a field has all that a count reads of it."""
    if not isinstance(target, Field) or isinstance(target, DeclaredKey):
        return False
    return target.through is None and not isinstance(target.type, Tags)


def _is_checked(condition: Condition) -> bool:
    """Tell whether an index on its field can check a condition."""
    if not _is_held(condition.target) or condition.operator not in (*RANGES, "ne"):
        return False
    return isinstance(condition.target, Field) and not isinstance(condition.target.type, Phone)
