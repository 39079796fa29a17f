"""How a list is read, as a value: decided once by the planner, used by the page, its total and their explanation."""

from collections.abc import Sequence

from msgspec import Struct

from crmkit.model.query.filters import Condition, DeclaredKey
from crmkit.model.query.groups import Criterion
from crmkit.model.query.parse import Query, Sort
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.statement import Statement, at_most, joined


class WalkIndex(Struct, frozen=True):
    """Read an index in the order of the list, and pass over the rows that do not meet all filters."""

    index: tuple[str, ...]  # the fields it holds
    unindexed: tuple[Criterion, ...] = ()  # filters that have another index, which the database is not to choose
    is_trial: bool = False  # rows may be passed over, so the walk is given up after a number of steps

    def __str__(self) -> str:
        return f"the index on {', '.join(self.index)}, in the order of the list"


class WalkValues(Struct, frozen=True):
    """Read the index of a declared key, in the order of its values, or in that of the changes of rows with one value.

    `known` are the filters that it knows.
    """

    key: DeclaredKey
    by_change: bool
    known: tuple[Condition, ...]
    is_trial: bool = False  # as for WalkIndex

    def __str__(self) -> str:
        return f"the index of {self.key.name}{', updated_at' if self.by_change else ''}, in the order of the list"


class WalkEach(Struct, frozen=True):
    """Read the first rows of each of several indexes, which have the order of the list, and sort what was read.

    `parts` are conditions of which one must be met; an index finds the rows of each in that order.
    """

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        names = dict.fromkeys(part.target.name for part in self.parts)
        return f"the indexes on {' and '.join(names)}, each in the order of the list"


class LookUp(Struct, frozen=True):
    """Look up the rows that something else found, and sort them.

    Each arm is a SELECT of the numbers of rows, as `seq`; rows that several arms of a group find are found once.
    """

    arms: tuple[Statement, ...]
    by: str  # the name of what found them: a field, those of a group, or search
    known: tuple[Criterion, ...] = ()  # filters that all these rows meet, where that need not be checked again

    @property
    def rows(self) -> Statement:
        """A SELECT of the numbers of all these rows."""
        return _united(self.arms)

    def counted(self, dialect: Dialect, most: int) -> Statement:
        """Return the SELECT of how many they are, up to `most`.

        A union reads its arms to their ends, so each of several is counted alone first and has a LIMIT of its own.
        """
        arms = [Statement("SELECT count(*) FROM (") + arm + at_most(dialect, most) + _END for arm in self.arms]
        if len(arms) == 1:
            return arms[0]
        found = Statement("SELECT CASE")
        for arm in arms:
            found += Statement(" WHEN (") + arm + Statement(") >= ? THEN ?", (most, most))
        rows = _united([arm + at_most(dialect, most) for arm in self.arms]) + at_most(dialect, most)
        return found + Statement(" ELSE (SELECT count(*) FROM (") + rows + _END + Statement(") END")

    def __str__(self) -> str:
        return f"the rows that {self.by} finds, sorted"


_END = Statement(") AS q")


def _united(arms: Sequence[Statement]) -> Statement:
    if len(arms) == 1:
        return arms[0]
    each = [Statement("SELECT a.seq FROM (") + arm + Statement(") AS a") for arm in arms]
    return joined(each, " UNION ")


class UniqueRow(Struct, frozen=True):
    """Look up the one row that may have the value of a unique field."""

    field: str

    def __str__(self) -> str:
        return f"the one row that may have this {self.field}"


class ReadTable(Struct, frozen=True):
    """Read the workspace's part of the table in the order of its rows, from the newest on."""

    is_ordered: bool = False  # that is the order of the list; else the rows are sorted
    until: tuple[Condition, ...] = ()  # of an ordered list: upper bounds that an index knows; no newer row is read

    def __str__(self) -> str:
        return "the table, in the order of its rows" if self.is_ordered else "the whole table, sorted"


class CountIndexes(Struct, frozen=True):
    """Count by indexes, which know all filters."""

    def __str__(self) -> str:
        return "the indexes of all filters"


class CountValues(Struct, frozen=True):
    """Count by the index of a declared key, and look up its rows where there are filters that it does not know."""

    key: DeclaredKey
    known: tuple[Condition, ...]

    def __str__(self) -> str:
        return f"the index of {self.key.name}"


class Plan(Struct, frozen=True):
    """How the rows of one query are read, and how they are counted.

    Where an index leaves out the rows in which the first sort key is NULL, and they come last, `filled` is the plan for
    the others by that index: enough for every page but the last ones. `rest` is the plan for those rows alone, by the
    keys after the first, where reading the whole table would take too long.
    """

    query: Query
    sorts: tuple[Sort, ...]  # with the id that breaks ties
    access: WalkIndex | WalkValues | WalkEach | LookUp | UniqueRow | ReadTable
    counting: LookUp | CountIndexes | CountValues | ReadTable
    filled: "Plan | None" = None
    rest: "Plan | None" = None

    def __str__(self) -> str:
        """Say what is read: one line for a log or an answer."""
        first = "" if self.filled is None else f"{self.filled.access}, then "
        then = self.access if self.rest is None else self.rest.access
        return f"read {first}{then}; count {self.counting}"
