"""How lists read the indexes of declared keys: SQLite follows the plan and sorts nothing again."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from crmkit.model.query import parse
from crmkit.storage.custom.indexes import CustomIndex
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists.plan import Plan, ReadTable
from crmkit.storage.lists.planner import in_order
from crmkit.storage.lists.sql import count, page
from crmkit.storage.sqlite.dialect import DIALECT
from tests.kinds import CONTACT
from tests.storage.desk import Desk, desk, steps_of

pytestmark = pytest.mark.sqlite

WORKSPACE = Workspace("ws_k7m2q9xa", 1)
FORMS = {"size": '["number"]', "tier": '["choice", "gold", "tin"]'}
BY_VALUE = "SEARCH v USING PRIMARY KEY (workspace_id=? AND place=?"
BY_CHANGE = "SEARCH v USING COVERING INDEX custom_values_by_change (workspace_id=? AND place=? AND value=?"
ROW = "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)"


@pytest.fixture(scope="module")
def back(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("plans") / "data") as opened:
        yield opened


def planned(*pairs: tuple[str, str], is_ready: bool = True) -> Plan:
    """Return the plan of a list of contacts in text, whose workspace declares two keys."""
    declared = {
        key: replace(CustomIndex(place, key, form, False, "ready").target, is_ready=is_ready)
        for place, (key, form) in enumerate(FORMS.items(), 1)
    }
    asked = parse.parse(CONTACT, pairs, declared=declared)
    return in_order(CONTACT, replace(asked, fields=CONTACT.listed[1:]))


def steps(back: Desk, statement: Statement) -> list[str]:
    return back.do(back.database.read(None, lambda connection: steps_of(connection, statement)))


@pytest.mark.parametrize(
    ("pairs", "position", "index"),
    [
        ([("sort", "custom.size")], None, BY_VALUE),
        ([("sort", "-custom.size")], [5, "c_k7m2q9xa"], BY_VALUE),
        ([("sort", "custom.size")], [5.5, "c_k7m2q9xa"], BY_VALUE),
        ([("custom.size", "gte:10"), ("sort", "custom.size")], None, BY_VALUE),
        ([("custom.size", "gte:10"), ("custom.size", "lt:20"), ("sort", "-custom.size")], [15, "c_k7m2q9xa"], BY_VALUE),
        ([("custom.tier", "gold")], None, BY_CHANGE),
        ([("custom.tier", "gold")], ["2026-06-10T09:00:00Z", "c_k7m2q9xa"], BY_CHANGE),
        ([("custom.tier", "gold"), ("stage", "lead")], None, BY_CHANGE),
    ],
)
def test_a_sort_or_filter_on_a_declared_key_reads_its_index_in_order(
    back: Desk, pairs: list[tuple[str, str]], position: list[Any] | None, index: str
) -> None:
    plan = planned(*pairs)
    found = steps(back, page(DIALECT, CONTACT, WORKSPACE, plan.filled or plan, position))
    assert len(found) == 2, found
    assert found[0].startswith(index), found
    assert found[1] == ROW


def test_a_total_of_filters_on_one_declared_key_reads_its_index_alone(back: Desk) -> None:
    for pairs in ([("custom.size", "gte:10"), ("custom.size", "lt:20")], [("custom.tier", "in:gold,tin")]):
        found = steps(back, count(DIALECT, CONTACT, WORKSPACE, planned(*pairs), 1001))
        assert len(found) == 1, found
        assert found[0].startswith("SEARCH v USING "), found


def test_the_rows_without_a_value_are_read_by_the_other_keys() -> None:
    plan = planned(("sort", "custom.size"))
    assert plan.rest is not None
    assert str(plan) == (
        "read the index of custom.size, in the order of the list, then the index on id, in the order of the list; "
        "count the indexes of all filters"
    )


def test_a_key_whose_index_is_not_ready_is_read_row_by_row() -> None:
    for pairs in ([("sort", "custom.size")], [("custom.tier", "gold"), ("sort", "custom.size")]):
        plan = planned(*pairs, is_ready=False)
        assert (plan.filled, plan.access) == (None, ReadTable())
