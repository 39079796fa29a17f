"""What a client says of columns, and what becomes of cells."""

from typing import Any

import pytest

from crmkit.core.transfer.mapping import Body, Plan, Refused
from crmkit.errors import Problem
from crmkit.model.declared.types import declared_type
from crmkit.storage.custom.indexes import CustomIndex
from crmkit.storage.transfer.imports import Options
from tests.core.transfer.mapping.tables import ASKER, bodies, body, faults, fields, planned, table
from tests.kinds import ACTIVITY, CAMPAIGN, COMPANY, DEAL, REGISTRY, TASK, TICKET


def refused(titles: list[str], **options: Any) -> Problem:
    with pytest.raises(Problem) as raised:
        planned(table(titles), **options)
    return raised.value


def test_a_client_says_what_a_column_is_for() -> None:
    chosen = {
        "Colour": "custom.colour",
        "Who": "first_name",
        "Firm": "company",
        "web": "company.domain",
        "Name": "",
        "X": "custom",
    }
    titles = ["Colour", "Who", "Firm", "Web", "Name", "X", "Email"]
    assert fields(titles, map=chosen) == [
        "custom.colour",
        "first_name",
        "company",
        "company.domain",
        "",
        "custom.X",
        "email",
    ]


def test_a_key_of_custom_is_named_plainly_or_as_a_json_string() -> None:
    assert fields(["A", "B"], map={"A": "custom.Lead Status", "B": 'custom."a.b"'}) == [
        'custom."Lead Status"',
        'custom."a.b"',
    ]


@pytest.mark.parametrize(
    ("chosen", "code", "fault"),
    [
        ({"Nmae": "name"}, "invalid_value", "is no column of this file (did you mean Name?)"),
        ({"Name": "nmae"}, "unknown_field", '"nmae" is no field of a contact (did you mean name?)'),
        (
            {"Name": "created_at"},
            "unknown_field",
            "created_at is written by the server; leave the column out with an empty field",
        ),
        ({"Name": "custom."}, "unknown_field", "custom. names no key: send custom.KEY"),
        ({"Name": "company.id"}, "unknown_field", '"company.id" is no field of a contact'),
    ],
)
def test_what_a_client_says_wrongly_is_told_by_its_parameter(chosen: dict[str, str], code: str, fault: str) -> None:
    problem = refused(["Name"], map=chosen)
    assert problem.code == code
    (said,) = problem.fields.values()
    assert said.startswith(fault)
    assert list(problem.fields) == [f"map.{next(iter(chosen))}"]


def test_columns_that_say_nothing_are_kept_left_out_or_refused() -> None:
    titles = ["Name", "Colour", "Shoe size"]
    assert fields(titles) == ["name", "custom.Colour", 'custom."Shoe size"']
    assert fields(titles, unknown="ignore") == ["name", "", ""]
    problem = refused(titles, unknown="refuse")
    assert (problem.code, list(problem.fields)) == ("unknown_field", ["Colour", "Shoe size"])
    assert fields(titles, unknown="refuse", map={"Colour": "", "Shoe size": "custom.shoe"}) == [
        "name",
        "",
        "custom.shoe",
    ]


def test_a_kind_without_custom_leaves_such_columns_out() -> None:
    assert fields(["body", "Colour"], kind=ACTIVITY) == ["body", ""]


def test_columns_that_a_kind_without_custom_cannot_keep_are_told() -> None:
    found = table(["body", "Colour", "Weather", "at"])
    (note,) = planned(found, ACTIVITY).notes
    assert note == 'left out, since an activity has no custom: "Colour", "Weather"'
    assert planned(found, ACTIVITY, unknown="ignore").notes == ()
    assert planned(found, ACTIVITY, map={"Colour": "", "Weather": "outcome"}).notes == ()


def test_ids_of_a_recognised_program_say_whose_they_are() -> None:
    titles = ["Record ID", "Lifecycle Stage", "First Name", "Associated Company", "Associated Company IDs"]
    (found,) = bodies(titles, ("42", "lead", "Ada", "Acme", "7;8"))
    assert isinstance(found, Body)
    assert found.values == {
        "source_id": "hubspot:42",
        "stage": "lead",
        "first_name": "Ada",
        "custom": {"Associated Company IDs": "8"},
    }
    assert [(each.link.link, each.text, each.fields) for each in found.names] == [
        ("company_id", "Acme", {"source_id": "hubspot:7"})
    ]
    assert body(titles[:3], "42", "", "Ada", map={"Record ID": "source_id"})["source_id"] == "hubspot:42"
    assert body(["No", "Name"], "42", "Ada", map={"No": "source_id"})["source_id"] == "42"


@pytest.mark.parametrize(
    "cell", ["", "  ", "-None-", "N/A", "NULL", "(No value)", "[not provided]", "0.0.00", "0/0/00", "No owner"]
)
def test_words_for_nothing_are_empty(cell: str) -> None:
    assert body(["Name", "Owner"], "Ada", cell) == {"name": "Ada"}


def test_characters_that_nobody_sees_are_no_part_of_a_cell() -> None:
    found = body(["Name", "Email", "Rating", "Country"], "Ada\u200b", "\ufeffa@x.example\u200b", "4.5\u200b", "\u200b")
    assert found == {"name": "Ada", "email": "a@x.example", "rating": 4.5}


def test_a_name_that_is_like_a_word_for_nothing_stays() -> None:
    assert body(["First name", "Last name", "notes"], "Null", "None", "No owner") == {
        "first_name": "Null",
        "last_name": "None",
        "notes": "No owner",
    }


def test_the_first_of_several_columns_of_a_field_is_taken_and_the_others_are_kept() -> None:
    titles = ["Name", "Phone", "Mobile", "Email", "Email 2"]
    assert body(titles, "Ada", "", "030 1", "a@x.example", "b@x.example; c@x.example") == {
        "name": "Ada",
        "phone": "030 1",
        "email": "a@x.example",
        "custom": {"Email 2": "b@x.example; c@x.example"},
    }
    assert body(titles, "Ada", "", "", "a@x.example, b@x.example", "a@x.example") == {
        "name": "Ada",
        "email": "a@x.example",
        "custom": {"Email": "b@x.example"},
    }


def test_columns_of_tags_and_of_notes_are_put_together() -> None:
    titles = ["Name", "Tags", "Labels", "Notes", "Comments"]
    found = body(titles, "Ada", "a, b c", "d", "One", "Two")
    assert (found["tags"], found["notes"]) == (["a", "b-c", "d"], "One\n\nTwo")


def test_of_two_addresses_one_is_taken_whole() -> None:
    titles = [
        "First Name",
        "Business Street",
        "Business Street 2",
        "Business City",
        "Home Street",
        "Home City",
        "Home Country/Region",
    ]
    assert body(titles, "Ada", "Main 1", "2nd floor", "", "Side 2", "Ulm", "Germany") == {
        "first_name": "Ada",
        "address": "Main 1\n2nd floor",
        "custom": {"Home Street": "Side 2", "Home City": "Ulm", "Home Country/Region": "Germany"},
    }
    assert body(titles, "Ada", "", "", "", "Side 2", "Ulm", "Germany") == {
        "first_name": "Ada",
        "address": "Side 2",
        "city": "Ulm",
        "country": "DE",
    }


def test_a_cell_that_does_not_fit_a_guessed_field_is_kept_and_one_of_a_named_field_is_left_to_its_check() -> None:
    assert body(["Company", "Company employees"], "Acme", "50-100", kind=COMPANY) == {
        "name": "Acme",
        "custom": {"Company employees": "50-100"},
    }
    assert body(["name", "employees"], "Acme", "50-100", kind=COMPANY) == {"name": "Acme", "employees": "50-100"}
    assert body(["Deal", "Close date"], "A", "soon", kind=DEAL) == {"title": "A", "custom": {"Close date": "soon"}}
    assert body(["Name", "Country"], "Ada", "Atlantis") == {"name": "Ada", "custom": {"Country": "Atlantis"}}


def test_an_owner_is_known_by_an_address_alone() -> None:
    titles = ["Name", "Contact owner"]
    assert body(titles, "Ada", "Sam Seller (sam@seller.example)") == {"name": "Ada", "owner": "sam@seller.example"}
    assert body(titles, "Ada", "Sam Seller") == {"name": "Ada", "custom": {"Contact owner": "Sam Seller"}}


def test_dates_have_the_order_that_fits_the_whole_column() -> None:
    titles = ["title", "Close date", "Due"]
    found = bodies(
        titles, ("A", "3/4/2026", "3/4/2026"), ("B", "17/4/2026", "4/17/2026"), kind=DEAL, map={"Due": "follow_up_at"}
    )
    assert [each.values["close_date"] for each in found if isinstance(each, Body)] == ["2026-04-03", "2026-04-17"]
    assert [each.values["follow_up_at"] for each in found if isinstance(each, Body)] == ["2026-03-04", "2026-04-17"]


def test_dates_of_which_several_orders_fit_are_refused_unless_the_order_is_said() -> None:
    titles = ["title", "Close date"]
    found = bodies(titles, ("A", "3/4/2026"), ("B", "5/5/2026"), ("C", "2026-04-03"), kind=DEAL)
    assert [type(each) for each in found] == [Refused, Body, Body]
    assert isinstance(found[0], Refused)
    assert found[0].row == 2
    assert "dates=dmy" in found[0].fields["close_date"]
    assert planned(table(titles, ("A", "3/4/2026")), DEAL).notes != ()
    for order, day in (("dmy", "2026-04-03"), ("mdy", "2026-03-04")):
        assert body(titles, "A", "3/4/2026", kind=DEAL, dates=order)["close_date"] == day


def test_a_column_of_both_orders_reads_those_that_can_be_only_one() -> None:
    found = bodies(["title", "Close date"], ("A", "17/4/2026"), ("B", "4/17/2026"), ("C", "3/4/2026"), kind=DEAL)
    assert [isinstance(each, Body) for each in found] == [True, True, False]


def test_a_time_without_an_offset_is_one_of_the_workspaces_clock() -> None:
    assert body(["title", "Due date"], "Call", "2026-07-01 09:10", kind=TASK)["due_at"] == "2026-07-01T07:10:00Z"


def test_what_was_found_out_of_a_file_need_not_be_found_out_again() -> None:
    found = table(["title", "Close date", "Amount"], ("A", "17/4/2026", "1.234,5"), ("B", "3/4/2026", "1.234"))
    plan = planned(found, DEAL)
    again = Plan.of(table(found.titles), REGISTRY, Options(DEAL.plural), ASKER, kept=plan.kept)
    assert [again.body(row) for row in found.rows()] == [plan.body(row) for row in found.rows()]
    assert [each.values["amount_cents"] for row in found.rows() if isinstance(each := again.body(row), Body)] == [
        123450,
        123400,
    ]


def test_cells_that_cannot_be_read_are_named_by_their_columns() -> None:
    rows = [("A", "30/02/2026", "70"), ("B", "46000", "high"), ("C", "2026-04-01", ""), ("", "soon", "")]
    found = table(["title", "Close Date", "Win probability"], *rows)
    plan = planned(found, DEAL)
    made = [plan.body(row) for row in found.rows()]
    assert [each.values.get("custom") for each in made if isinstance(each, Body)] == [
        {"Close Date": "30/02/2026"},
        {"Close Date": "46000", "Win probability": "high"},
        None,
        {"Close Date": "soon"},
    ]
    assert [each.unread for each in made if isinstance(each, Body)] == [
        ("Close Date",),
        ("Close Date", "Win probability"),
        (),
        ("Close Date",),
    ]


def test_a_blank_within_a_tag_becomes_a_hyphen_in_a_list_too() -> None:
    assert body(["name", "tags"], "Ada", ["a", "b c"], format="json")["tags"] == ["a", "b-c"]
    assert body(["name", "tags"], "Ada", ["a", 5], format="json")["tags"] == ["a", 5]


@pytest.mark.parametrize(
    ("stage", "status"),
    [("Closed Won", "won"), ("closedlost", "lost"), ("Closed-Lost to Competition", "lost"), ("Proposal", None)],
)
def test_the_stage_of_a_deal_that_is_over_says_how_it_ended(stage: str, status: str | None) -> None:
    for title in ("Stage", "Deal Stage", "StageName"):
        found = body(["title", title], "A", stage, kind=DEAL)
        assert (found["stage"], found.get("status")) == (stage, status)
    assert body(["title", "Stage", "Status"], "A", stage, "Open", kind=DEAL)["status"] == "open"


def test_words_of_other_programs_for_what_is_closed_are_understood() -> None:
    for title in ("Status", "Ticket status"):
        assert body(["subject", title], "A", "Closed", kind=TICKET) == {"subject": "A", "status": "solved"}
    hubspot = ["Record ID", "Ticket name", "Ticket owner", "Ticket status", "Priority"]
    assert body(hubspot, "7", "A", "", "Closed", "Medium", kind=TICKET) == {
        "source_id": "hubspot:7",
        "subject": "A",
        "status": "solved",
        "priority": "normal",
    }
    for title in ("Status", "Task status"):
        assert body(["title", title], "A", "Completed", kind=TASK) == {"title": "A", "done": True}
        assert body(["title", title], "A", "NOT_STARTED", kind=TASK) == {"title": "A", "done": False}
    assert body(["title", "Status"], "A", "In Progress", kind=TASK) == {
        "title": "A",
        "custom": {"Status": "In Progress"},
    }


def test_cells_with_types_are_taken_by_what_they_are() -> None:
    titles = ["name", "postal_code", "rating", "phone", "Estimated value", "tags", "custom", "Colour"]
    row = ("Ada", 2130, 4.5, 65550110.0, 1234.5, ["a"], {"b": [1]}, True)
    assert body(titles, *row, format="json") == {
        "name": "Ada",
        "postal_code": "2130",
        "rating": 4.5,
        "phone": "65550110",
        "estimated_cents": 123450,
        "tags": ["a"],
        "custom": {"b": [1], "Colour": True},
    }


def test_a_cell_of_another_type_than_its_field_is_read_as_its_text() -> None:
    assert body(["title", "done", "Owner"], 7, 1, "", kind=TASK, format="xlsx") == {"title": "7", "done": True}
    assert body(["name", "employees", "rating"], "A", 50.0, 1e300, kind=COMPANY, format="xlsx")["employees"] == 50
    assert body(["name", "rating"], "A", 1e300, format="xlsx")["rating"] == 1e300


def test_an_object_of_a_related_record_is_taken_as_it_is() -> None:
    assert body(["name", "company"], "Ada", {"name": "Acme"}, format="json")["company"] == {"name": "Acme"}


def test_a_mark_before_a_formula_is_taken_off_once() -> None:
    for format in ("csv", "xlsx"):
        assert body(["name", "notes"], "'=1+1", "''@x", format=format) == {"name": "=1+1", "notes": "'@x"}
    assert body(["name", "notes"], "'=1+1", "'tis", format="json") == {"name": "'=1+1", "notes": "'tis"}


def test_a_related_record_is_named_by_several_columns() -> None:
    (found,) = bodies(["Name", "Company", "Company Domain", "Company City"], ("Ada", "Acme", "acme.example", "Ulm"))
    assert isinstance(found, Body)
    assert found.needs_lookup
    (name,) = found.names
    assert (name.text, name.fields) == ("Acme", {"domain": "acme.example", "city": "Ulm"})


def test_what_says_not_of_which_record_it_is_is_kept() -> None:
    assert body(["Name", "Company", "Company City"], "Ada", "", "Ulm") == {
        "name": "Ada",
        "custom": {"Company City": "Ulm"},
    }


def test_a_name_with_an_address_names_a_contact_by_both() -> None:
    (found,) = bodies(["Deal", "Contact"], ("A", "Ada Brandt (ada@x.example)"), kind=DEAL)
    assert isinstance(found, Body)
    assert [(each.text, each.fields) for each in found.names] == [("Ada Brandt", {"email": "ada@x.example"})]


def test_a_declared_key_reads_its_cells_by_its_type() -> None:
    declared = [
        CustomIndex(at, key, declared_type(word, choices).form, False, "ready")
        for at, (key, word, choices) in enumerate(
            (("seats", "number", ()), ("renews on", "date", ()), ("tier", "choice", ("Gold",)), ("active", "bool", ()))
        )
    ]
    titles = ["Name", "Seats", "Renews on", "custom.tier", "Active"]
    assert body(titles, "Ada", "1,234", "17.4.2026", "gold", "yes", declared=declared) == {
        "name": "Ada",
        "custom": {"seats": 1234, "renews on": "2026-04-17", "tier": "Gold", "active": True},
    }
    assert faults(titles, "Ada", "many", "soon", "tin", "maybe", declared=declared).keys() == {
        "custom.seats",
        'custom."renews on"',
        "custom.tier",
        "custom.active",
    }


def test_all_that_is_wrong_with_a_row_is_told_at_once() -> None:
    found = faults(["title", "Amount", "Close date"], "A", "a lot", "3/4/2026", kind=DEAL)
    assert found.keys() == {"amount_cents", "close_date"}


def test_a_campaign_has_its_dates() -> None:
    found = body(["Campaign", "Start date", "End date"], "Fair", "1 May 2026", "5 May 2026", kind=CAMPAIGN)
    assert found == {"name": "Fair", "starts_on": "2026-05-01", "ends_on": "2026-05-05"}


def test_a_path_within_custom_is_one_of_keys() -> None:
    titles = ["name", "custom.a.b", "custom.a.c", 'custom."a.b"', "custom.d"]
    assert body(titles, "Ada", "1", "x", "y", "") == {"name": "Ada", "custom": {"a": {"b": 1, "c": "x"}, "a.b": "y"}}


def test_keys_of_custom_that_two_columns_share_lose_nothing() -> None:
    assert body(["name", "custom.X", "X"], "Ada", "1", "2") == {"name": "Ada", "custom": {"X": 1, "X 2": "2"}}


def test_an_activity_took_as_long_as_its_row_says_and_was_somebodys() -> None:
    titles, when = ["Subject", "Date", "Duration", "Assigned to", "Contact email"], "2026-01-05"
    spans = [("30", 30), ("0:30", 30), ("1:30:00", 90), ("45 min", 45)]
    for text, expected in spans:
        found = body(titles, "Call", when, text, "bob@acme.example", "jane@acme.example", kind=ACTIVITY)
        assert (found["duration_minutes"], found["on_behalf_of"]) == (expected, "bob@acme.example")
    found = body(titles, "Call", when, "a while", "Bob Builder", "jane@acme.example", kind=ACTIVITY)
    assert {*found}.isdisjoint(("duration_minutes", "on_behalf_of"))


def test_cells_that_a_kind_without_custom_cannot_keep_are_named() -> None:
    found = table(["body", "Duration"], ["Call", "a while"], ["Call", "5"])
    made = [planned(found, ACTIVITY).body(row) for row in found.rows()]
    assert [each.unread for each in made if isinstance(each, Body)] == [("Duration",), ()]


def test_the_order_that_is_sent_holds_beside_columns_of_numbers() -> None:
    found = body(["title", "Close Date", "Probability"], "A", "3/4/2026", "50", kind=DEAL, dates="dmy")
    assert (found["close_date"], found["probability"]) == ("2026-04-03", 50)
