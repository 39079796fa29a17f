"""What is wrong with a filter is told with what is allowed and the nearest to what was meant."""

import pytest

from crmkit.errors import Problem
from crmkit.model.query.parse import RESERVED
from tests.kinds import CONTACT
from tests.model.query.queries import COMPANY_ID, ID, query, told


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("stagee", "stage"),
        ("Stage", "stage"),
        ("e-mail", "email"),
        ("companyid", "company_id"),
        ("followup_at", "follow_up_at"),
        ("serch", "search"),
        ("limits", "limit"),
        ("custm.a", "custom"),
        ("order", "sort"),
        ("page", "cursor"),
        ("q", "search"),
        ("zzz", None),
        ("", None),
    ],
)
def test_an_unknown_filter_is_named_with_the_nearest_and_all_that_are_allowed(name: str, nearest: str | None) -> None:
    problem = told((name, "x"))
    assert problem.code == "invalid_filter"
    assert problem.fields == {
        name: "is no field of a contact" + (f" (did you mean {nearest}?)" if nearest else ""),
    }
    for field in CONTACT.fields:
        assert (f" {field.name}," in problem.hint) == bool(field.type.operators)
    for reserved in RESERVED:
        assert reserved in problem.hint


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("stage!", "stage=ne:VALUE"),
        ("version>", "version=gte:VALUE"),
        ("version>5", "version=gt:VALUE"),
        ("version<", "version=lte:VALUE"),
        ("name~", "name=like:VALUE"),
        ("stage[in]", "stage=in:VALUE"),
        ("created_at[after]", "created_at=gt:VALUE"),
        ("name__contains", "name=like:VALUE"),
        ("created_at__gte", "created_at=gte:VALUE"),
        ("name__startswith", "name=starts:VALUE"),
        ("stage[nin]", "stage=out:VALUE"),
        ("stage[any]", "stage=in:VALUE"),
        ("tags[any]", "tags=any:VALUE"),
    ],
)
def test_an_operator_in_the_name_is_told_where_to_stand(name: str, meant: str) -> None:
    problem = told((name, "x"))
    assert problem.code == "invalid_filter"
    assert problem.fields[name].endswith(f"; write {meant}")


@pytest.mark.parametrize(
    ("name", "text", "nearest"),
    [
        ("version", "gtt:5", "gt"),
        ("version", "like:5", None),
        ("version", "equals:5", None),
        ("created_at", "geq:2026-06-10", "gte"),
        ("created_at", "since:2026-06-10", "gte"),
        ("company_id", f"eqq:{COMPANY_ID}", "eq"),
        ("company_id", f"gt:{COMPANY_ID}", None),
        ("tags", "gt:vip", None),
        ("custom", "eq:x", None),
        ("version", ">5", "gt"),
        ("version", "!=5", "ne"),
        ("version", "after:5", "gt"),
        ("email", "lke:jane@acme.com", "like"),
        ("email", "contains:jane", "like"),
        ("tags", "contains:v ip", "like"),
    ],
)
def test_an_unknown_operator_is_named_with_those_the_field_has(name: str, text: str, nearest: str | None) -> None:
    problem = told((name, text))
    assert problem.code == "invalid_operator"
    word = text.partition(":")[0] if ":" in text else text.rstrip("0123456789")
    assert problem.fields[name].startswith(f"has no operator {word}")
    assert nearest is None or problem.fields[name].endswith(f"(did you mean {nearest}?)")
    assert f"Use one of {', '.join(CONTACT.by_name[name].type.operators)} with {name}." == problem.hint
    assert word not in CONTACT.by_name[name].type.operators


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("stage", "", "is empty; is:null finds records without a value"),
        ("stage", "eq:", "is empty"),
        ("stage", "in:", "is empty"),
        ("stage", "in:, ,", "takes 1 to 500 values"),
        ("stage", "is:", "takes is:null only"),
        ("stage", "is:lead", "takes is:null only"),
        ("stage", "not:lead", "takes not:null only"),
        ("version", "five", "must be a whole number"),
        ("version", "5.0", "must be a whole number"),
        ("version", "eq:five", "must be a whole number"),
        ("version", "gte:five:5", "must be a whole number"),
        ("version", "eq:eq:5", "must be a whole number"),
        ("version", "in:1,two", "must be a whole number"),
        ("created_at", "2026", "must be a time like"),
        ("created_at", "gte:2026-06-31", ", a date (that whole day), or like"),
        ("created_at", "2026-11", ", a date (that whole day), or like"),
        ("created_at", "2026-06-10T09:00:00", "must be a time like"),
        ("created_at", "in:2026-06-10,x", "must be a time like"),
        ("company_id", "acme", "acme is no id"),
        ("company_id", ID, "that is the id of a contact"),
        ("company_id", "co_aaaaaaab", "mistyped"),
        ("custom.a", "", "is empty"),
        ("custom.a", "is:5", "takes is:null only"),
        ("version", "between:1", "takes two values"),
        ("version", "between:1,", "takes two values"),
        ("version", "between:1,2,3", "takes two values"),
        ("version", "between:1,x", "must be a whole number"),
        ("created_at", "between:2026-06-10,x", "must be a time like"),
        ("name", 'between:"a', "has a quote that does not close"),
        ("tags", "any:,", "takes 1 to 500 values"),
        ("name", "starts:", "is empty"),
    ],
)
def test_a_value_that_the_field_cannot_have_is_refused_with_how_to_write_one(name: str, text: str, what: str) -> None:
    problem = told((name, text))
    assert problem.code == "invalid_value"
    assert problem.fields[name].startswith(what) or what in problem.fields[name]
    assert problem.hint.startswith(f"Write {name}=VALUE or {name}=OPERATOR:VALUE with one of eq, ")


@pytest.mark.parametrize(
    "text",
    [
        "within:47.3,8.5",
        "within:47.3,8.5,5,5",
        "within:90.1,8.5,5",
        "within:-90.1,8.5,5",
        "within:47,180.5,5",
        "within:47,-181,5",
        "within:47,8,-1",
        "within:47,8,x",
        "within:nan,8,5",
        "within:47,8,1e999",
        "within:,,",
    ],
)
def test_a_circle_that_is_none_is_refused_with_how_to_write_one(text: str) -> None:
    problem = told(("location", text))
    assert problem.code == "invalid_value"
    assert problem.fields["location"].startswith("must be LAT,LNG,KM like 47.37,8.54,5")
    assert problem.hint == "Write location=within:LAT,LNG,KM, location=is:null or location=not:null."


@pytest.mark.parametrize(
    ("name", "text", "nearest"),
    [
        ("location", "47.3,8.5", None),
        ("location", "near:47.3,8.5,5", "within"),
        ("stage", "any:lead", "in"),
        ("stage", "none:lead", "out"),
        ("company_id", "starts:co_", None),
        ("name", "within:1,2,3", None),
        ("created_at", "within:last_week", "during"),
        ("version", "range:1,5", "between"),
        ("priority", "between:low,high", None),
        ("tags", "between:a,b", None),
    ],
)
def test_an_operator_of_other_fields_is_named_with_those_the_field_has(
    name: str, text: str, nearest: str | None
) -> None:
    problem = told((name, text))
    assert problem.code == "invalid_operator"
    assert nearest is None or problem.fields[name].endswith(f"(did you mean {nearest}?)")
    assert f" with {name}." in problem.hint


@pytest.mark.parametrize("pair", [("na\x00me", "x"), ("name", "x\x00"), ("search", "\x00"), ("cursor", "\x00")])
def test_nul_is_refused_wherever_it_stands(pair: tuple[str, str]) -> None:
    assert told(pair).code == "invalid_value"


def test_a_long_name_is_cut_in_the_hint() -> None:
    assert len(told(("custom." + "a" * 50_000, "is:x")).hint) < 300


@pytest.mark.parametrize(
    "text", [f"in:[{'1' * 5000}]", f"in:[-{'0' * 5000}]", f"in:{'[' * 100_000}", f"eq:{'9' * 5000}"]
)
@pytest.mark.parametrize("name", ["stage", "version", "created_at", "custom.size"])
def test_numbers_of_thousands_of_digits_and_many_brackets_are_values_like_others(name: str, text: str) -> None:
    try:
        query((name, text))
    except Problem as problem:
        assert problem.code in ("invalid_value", "invalid_filter")


@pytest.mark.parametrize("key", ['"a\\u0000b"', '"\\ud800"', '"a\\u0000b".c'])
def test_a_key_holds_no_character_that_no_field_can_keep(key: str) -> None:
    assert told((f"custom.{key}", "x")).code == "invalid_filter"
