"""Groups of filters: `or.FIELD=` and `or2.FIELD=` to `or9.`."""

import pytest

from crmkit.model.query.filters import Condition
from crmkit.model.query.groups import AnyOf
from crmkit.model.query.parse import MAX_CONDITIONS, Query
from tests.model.query.queries import query, told


def shape(found: Query) -> list[object]:
    """Return the filters as names and operators; those of a group are a list of its parts."""

    def named(part: tuple[Condition, ...]) -> list[str]:
        return [f"{each.target.name} {each.operator}" for each in part]

    return [
        [named(part) for part in each.parts] if isinstance(each, AnyOf) else named((each,))[0]
        for each in found.conditions
    ]


def test_filters_with_one_prefix_are_the_parts_of_one_group() -> None:
    found = query(
        ("or.stage", "lead"), ("name", "x"), ("or2.email", "not:null"), ("or.tags", "vip"), ("or2.phone", "5")
    )
    assert shape(found) == ["name eq", [["stage eq"], ["tags eq"]], [["email not"], ["phone eq"]]]


def test_a_part_holds_all_that_its_filter_stands_for() -> None:
    found = query(("or.created_at", "2026-06-10"), ("or.stage", "lead"))
    assert shape(found) == [[["created_at gte", "created_at lte"], ["stage eq"]]]


def test_a_group_of_one_part_is_a_plain_filter() -> None:
    assert query(("or.stage", "lead")) == query(("stage", "lead"))
    assert query(("or.stage", "lead"), ("or.stage", "Lead")) == query(("stage", "lead"))


def test_custom_keys_stand_in_groups() -> None:
    (group,) = query(("or.custom.size", "5"), ('or.custom."a b".c', "x")).conditions
    assert isinstance(group, AnyOf)
    assert [each.target.name for each in group.conditions] == ["custom.size", 'custom."a b".c']


SPELLED = "a filter of a group is or.FIELD=VALUE, of another group or2.FIELD=VALUE, up to or9."
REFUSED = {
    "or.stgae": ("is no field of a contact (did you mean or.stage?)", "invalid_filter"),
    "or3.stagee": ("is no field of a contact (did you mean or3.stage?)", "invalid_filter"),
    "or.stage!": ("is no field of a contact; write or.stage=ne:VALUE", "invalid_filter"),
    "or2.stage[in]": ("is no field of a contact; write or2.stage=in:VALUE", "invalid_filter"),
    "or.search": ("is no field of a contact: only filters stand in a group; send search without or.", "invalid_filter"),
    "or.q": ("is no field of a contact: only filters stand in a group; send search without or.", "invalid_filter"),
    "or.": ("is no field of a contact", "invalid_filter"),
    **dict.fromkeys(
        ("or1.stage", "or10.stage", "OR.stage", "or[stage]", "or_stage"),
        (
            f"is no field of a contact; {SPELLED}",
            "invalid_filter",
        ),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_name_in_a_group_gets_the_nearest_with_its_prefix(name: str) -> None:
    problem = told((name, "x"), ("stage", "lead"))
    assert (problem.fields, problem.code) == ({name: REFUSED[name][0]}, REFUSED[name][1])


def test_a_wrong_value_in_a_group_is_told_under_its_whole_name() -> None:
    problem = told(("or.version", "many"), ("or.stage", "lead"))
    assert problem.code == "invalid_value"
    assert list(problem.fields) == ["or.version"]
    assert "or.version=VALUE" in problem.hint
    problem = told(("or2.version", "like:1"))
    assert (problem.code, list(problem.fields)) == ("invalid_operator", ["or2.version"])


def test_the_filters_of_groups_count_like_others() -> None:
    half = [(f"or{group}.custom.k{n}", "x") for group in ("", "2") for n in range(MAX_CONDITIONS // 2)]
    assert len(query(*half).conditions) == 2
    assert told(*half, ("stage", "x")).code == "invalid_filter"
    values = "in:" + ",".join(map(str, range(300)))
    assert told(("or.stage", values), ("or.source", values)).code == "invalid_filter"


def test_a_cursor_is_bound_to_what_groups_ask_in_whatever_order() -> None:
    one = [("or.stage", "lead"), ("or.tags", "vip"), ("or2.email", "not:null"), ("or2.phone", "not:null")]
    swapped = [("or3.phone", "not:null"), ("or3.email", "not:null"), ("or.tags", "vip"), ("or.stage", "lead")]
    bound = query(*one).binding("list")
    assert query(*swapped).binding("list") == bound
    for others in (
        one[:2],
        [*one[:3], ("or.phone", "not:null")],
        [(name.partition(".")[2], text) for name, text in one],
    ):
        assert query(*others).binding("list") != bound
