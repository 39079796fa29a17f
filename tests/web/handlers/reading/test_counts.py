"""Counts: how many records there are, by what they have in common, and what their numbers add up to."""

from typing import Any

import pytest

from tests.house import Person
from tests.teams.office import new
from tests.web.refused import refused


def made(alice: Person, path: str, *bodies: dict[str, Any]) -> list[str]:
    return [alice.json_of("POST", path, body)["id"] for body in bodies]


def deal(title: str, **more: Any) -> dict[str, Any]:
    return {"title": title, **more}


@pytest.fixture
def deals(alice: Person) -> Person:
    made(
        alice,
        "/deals",
        deal("a", stage="Proposal", amount_cents=100, currency="USD", owner="bob@example.com"),
        deal("b", stage="proposal", amount_cents=201, currency="USD", owner="bob@example.com"),
        deal("c", stage="PROPOSAL", amount_cents=7, currency="EUR"),
        deal("d", stage="lead", currency="USD", tags=["vip", "New"]),
        deal("e", amount_cents=-5, currency="USD", tags=["VIP"]),
    )
    return alice


def test_a_count_without_more_is_one_row(deals: Person) -> None:
    assert deals.text("GET", "/deals/count") == "deals  count=5\n# 1 groups\n"
    assert deals.json_of("GET", "/deals/count") == {"items": [{"count": 5}], "total": 1, "next_cursor": None}
    assert deals.text("GET", "/deals/count?stage=lead") == "deals  count=1\n# 1 groups\n"
    assert deals.json_of("GET", "/deals/count?stage=nothing")["items"] == [{"count": 0}]


def test_groups_come_largest_first_then_by_value_and_case_makes_no_other_group(deals: Person) -> None:
    assert deals.text("GET", "/deals/count?by=stage") == (
        "deals  stage=Proposal  count=3\ndeals  stage=lead  count=1\ndeals  count=1\n# 3 groups\n"
    )
    assert deals.json_of("GET", "/deals/count?by=stage")["items"] == [
        {"stage": "Proposal", "count": 3},
        {"stage": "lead", "count": 1},
        {"stage": None, "count": 1},
    ]


def test_money_is_never_added_across_currencies(deals: Person) -> None:
    assert deals.text("GET", "/deals/count?by=stage,owner&sum=amount_cents") == (
        "deals  stage=Proposal  owner=bob@example.com  count=2  sum.amount_cents=301  currency=USD\n"
        "deals  stage=lead  count=1  sum.amount_cents=0  currency=USD\n"
        "deals  stage=Proposal  count=1  sum.amount_cents=7  currency=EUR\n"
        "deals  count=1  sum.amount_cents=-5  currency=USD\n"
        "# 4 groups\n"
    )
    assert deals.json_of("GET", "/deals/count?sum=amount_cents")["items"] == [
        {"count": 4, "sum.amount_cents": 296, "currency": "USD"},
        {"count": 1, "sum.amount_cents": 7, "currency": "EUR"},
    ]
    assert deals.json_of("GET", "/deals/count?by=currency&sum=amount_cents")["items"] == [
        {"currency": "USD", "count": 4, "sum.amount_cents": 296},
        {"currency": "EUR", "count": 1, "sum.amount_cents": 7},
    ]
    assert deals.json_of("GET", "/deals/count?stage=nothing&sum=amount_cents")["items"] == [
        {"count": 0, "sum.amount_cents": 0, "currency": None}
    ]


def test_averages_least_and_most_are_told_and_the_average_of_money_is_a_whole_cent(deals: Person) -> None:
    asked = "/deals/count?stage=proposal&currency=USD&avg=amount_cents&min=amount_cents,created_at&max=amount_cents"
    (row,) = deals.json_of("GET", asked)["items"]
    assert list(row) == [
        *("count", "avg.amount_cents", "min.amount_cents", "min.created_at", "max.amount_cents", "currency")
    ]
    assert (row["avg.amount_cents"], row["min.amount_cents"], row["max.amount_cents"]) == (151, 100, 201)
    (row,) = deals.json_of("GET", "/deals/count?stage=lead&avg=amount_cents")["items"]
    assert row == {"count": 1, "avg.amount_cents": None, "currency": "USD"}


def test_a_record_counts_in_each_of_its_tags_and_the_answer_says_so(deals: Person) -> None:
    assert deals.text("GET", "/deals/count?by=tags") == (
        "deals  count=3\ndeals  tags=vip  count=2\ndeals  tags=New  count=1\n# 3 groups\n"
        "# note: a record counts once for each of its tags, so the groups overlap\n"
    )


def test_pages_of_groups_have_all_of_them_once(alice: Person) -> None:
    for number in range(5):
        made(
            alice,
            "/companies",
            *({"name": f"{number} {times}", "city": f"C{number}"} for times in range(1 + number % 2)),
        )
    found, path = list[Any](), "/companies/count?by=city&limit=2"
    page = alice.json_of("GET", path)
    assert (page["total"], len(page["items"])) == (5, 2)
    while True:
        found += [(row["city"], row["count"]) for row in page["items"]]
        if page["next_cursor"] is None:
            break
        page = alice.json_of("GET", f"{path}&cursor={page['next_cursor']}")
        assert page["total"] is None
    assert found == [("C1", 2), ("C3", 2), ("C0", 1), ("C2", 1), ("C4", 1)]
    cursor = alice.json_of("GET", path)["next_cursor"]
    for other in ("/companies/count?by=city,owner", "/companies/count?by=city&sum=employees", "/companies?limit=2"):
        refused(alice, "invalid_cursor", "GET", f"{other}&cursor={cursor}")
    text = alice.text("GET", path).splitlines()
    assert text[2:4] == ["# 2 groups", "# total: 5"]
    assert text[4].startswith("# next: ")


@pytest.mark.parametrize(
    ("query", "code", "name", "says"),
    [
        ("by=stagee", "invalid_value", "by", "(did you mean stage?)"),
        ("by=notes", "invalid_value", "by", "are not grouped by"),
        ("by=created_at.hour", "invalid_value", "by", '"hour" is no unit of time'),
        ("by=stage.month", "invalid_value", "by", "are not grouped by"),
        ("sum=stage", "invalid_value", "sum", 'have no sum of "stage"'),
        ("sum=created_at", "invalid_value", "sum", "have no sum of"),
        ("max=title", "invalid_value", "max", "have no max of"),
        ("sort=stage", "invalid_filter", "sort", "no parameter of a count"),
        ("count=exact", "invalid_filter", "count", "no parameter of a count"),
        ("group_by=stage", "invalid_filter", "group_by", "(did you mean by?)"),
        ("stages=lead", "invalid_filter", "stages", "(did you mean stage?)"),
        ("by=stage&by=owner", "invalid_value", "by", "stands twice"),
        ("by=stage,owner,status,title,currency,contact_id", "invalid_value", "by", "has 6 fields"),
        ("limit=x", "invalid_value", "limit", "must be 1 to 1000"),
        ("cursor=x", "invalid_cursor", "", ""),
    ],
)
def test_what_a_count_cannot_tell_is_refused_with_what_it_can(
    alice: Person, query: str, code: str, name: str, says: str
) -> None:
    answer = alice.get(f"/deals/count?{query}", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, code)
    assert says in answer.json().get("fields", {}).get(name, ""), answer.text


def test_a_limit_past_a_thousand_is_a_thousand_and_says_so(deals: Person) -> None:
    assert "# note: limit is 1000" in deals.text("GET", "/deals/count?by=stage&limit=5000")


def test_a_search_and_filters_say_what_is_counted(deals: Person) -> None:
    assert deals.json_of("GET", "/deals/count?by=stage&search=a")["items"] == [{"stage": "Proposal", "count": 1}]
    assert deals.json_of("GET", "/deals/count?by=status&owner=bob@example.com")["items"] == [
        {"status": "open", "count": 2}
    ]
    assert "# note: a comma is part of the value" in deals.text("GET", "/deals/count?by=owner&stage=lead,won")


def test_keys_of_custom_are_grouped_and_added(alice: Person) -> None:
    for value in (5, 5.0, "5", "Five", "FIVE", True, "true", None, [1], {"b": 2}):
        made(alice, "/companies", {"name": f"n {value}", "custom": {"a": value, "x": 1} if value is not None else None})
    items = alice.json_of("GET", "/companies/count?by=custom.a&sum=custom.a,custom.x&max=custom.a")["items"]
    assert [(row["custom.a"], row["count"]) for row in items] == [
        *((5, 2), ("Five", 2), (True, 2)),
        *(("5", 1), ([1], 1), ({"b": 2}, 1), (None, 1)),
    ]
    assert items[0] == {"custom.a": 5, "count": 2, "sum.custom.a": 10, "sum.custom.x": 2, "max.custom.a": 5}
    assert items[1]["sum.custom.a"] == 0
    assert items[-1] == {"custom.a": None, "count": 1, "sum.custom.a": 0, "sum.custom.x": 0, "max.custom.a": None}
    assert 'companies  custom.a="5"  count=1' in alice.text("GET", "/companies/count?by=custom.a")


def test_activities_are_counted_with_the_filters_of_their_list_and_by_groups(alice: Person) -> None:
    (one,) = made(alice, "/contacts", {"name": "Jane"})
    for kind, minutes in (("call", 10), ("call", 20), ("note", None)):
        made(alice, f"/contacts/{one}/activities", {"kind": kind, "body": "x", "duration_minutes": minutes})
    path = f"/activities/count?contact={one}&by=kind,created_by&sum=duration_minutes&since=2020-01-01"
    rows = alice.json_of("GET", path)["items"]
    assert [(row["kind"], row["count"], row["sum.duration_minutes"]) for row in rows] == [
        ("call", 2, 30),
        ("note", 1, 0),
    ]
    assert rows[0]["created_by"] == "alice@example.com"
    assert alice.json_of("GET", "/activities/count?created_by=nobody@example.com")["items"] == [{"count": 0}]
    assert alice.json_of("GET", "/activities/count?created_by=me&kind=calls")["items"] == [{"count": 2}]


def test_a_sum_may_be_larger_than_any_field(alice: Person) -> None:
    most = 2**53 - 1
    made(alice, "/companies", *({"name": f"n{number}", "employees": most} for number in range(3)))
    assert alice.json_of("GET", "/companies/count?sum=employees&avg=employees")["items"] == [
        {"count": 3, "sum.employees": 3 * most, "avg.employees": most}
    ]


def test_filters_of_a_group_are_alternatives_in_a_count_too(deals: Person) -> None:
    path = "/deals/count?by=stage&or.stage=lead&or.owner=bob@example.com"
    assert [(row["stage"], row["count"]) for row in deals.json_of("GET", path)["items"]] == [
        ("Proposal", 2),
        ("lead", 1),
    ]
    path = "/deals/count?by=owner&or.owner=is:null&or.owner=bob@example.com"
    assert [row["count"] for row in deals.json_of("GET", path)["items"]] == [3, 2]


def test_a_count_says_in_words_how_it_was_read(deals: Person) -> None:
    path = "/deals/count?by=created_at.month,stage&sum=amount_cents&status=open&timezone=Europe/Berlin&explain=1"
    says = (
        "deals whose status is open; counted by month of created_at and stage (days of Europe/Berlin), "
        "sum of amount_cents, each currency apart; largest group first"
    )
    assert deals.text("GET", path).splitlines()[-1] == f"# read as: {says}"
    assert deals.json_of("GET", path)["read_as"] == says
    assert deals.text("GET", "/deals/count?explain=1").splitlines()[-1] == "# read as: all deals; counted"
    assert "# read as: activities whose kind is call" in deals.text("GET", "/activities/count?kind=call&explain=1")


def test_a_sum_past_what_a_number_holds_is_left_out_with_a_note(alice: Person) -> None:
    made(alice, "/companies", *({"name": f"n{number}", "custom": {"x": 1.5e308}} for number in range(2)))
    answer = alice.json_of("GET", "/companies/count?sum=custom.x&max=custom.x")
    assert answer["items"] == [{"count": 2, "sum.custom.x": None, "max.custom.x": 1.5e308}]
    assert answer["notes"] == ["a figure that is left out is larger than a number can be"]


def test_what_a_workspace_declares_is_counted_too(alice: Person) -> None:
    made(alice, "/fields", {"kind": "contact", "key": "size", "type": "number"})
    assert alice.json_of("GET", "/fields/count?by=type")["items"] == [{"type": "number", "count": 1}]


@pytest.mark.parametrize(
    "text", ["custom.", 'custom."a', 'custom."a".b', "custom.a.", ".", "stage.", ".month", ",,", "custom.\ud7ff"]
)
def test_an_odd_field_to_group_by_is_answered_or_refused(deals: Person, text: str) -> None:
    answer = deals.get("/deals/count", params={"by": text}, headers={"Accept": "application/json"})
    assert answer.status_code in (200, 400), answer.text
    assert answer.status_code == 200 or answer.json()["error"] == "invalid_value"


def test_a_search_forgives_a_typo_as_the_list_does_and_says_so(alice: Person) -> None:
    new(alice, "/contacts", name="Ferdinand Kelason", stage="lead")
    for by in ("", "by=stage&"):
        lines = alice.text("GET", f"/contacts/count?{by}search=ferdinnad").splitlines()
        assert "count=1" in lines[0]
        assert "# note: no exact match, closest counted" in lines


def test_a_key_that_no_record_has_is_told(alice: Person) -> None:
    new(alice, "/contacts", name="Jane", custom={"size": 1})
    assert "# note: none of these has custom.siez" in alice.text("GET", "/contacts/count?by=custom.siez")
    assert "none of these" not in alice.text("GET", "/contacts/count?by=custom.size")
