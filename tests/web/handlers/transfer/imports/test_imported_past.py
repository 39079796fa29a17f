"""An import tells when what it brings in was won, lost, solved or done; elsewhere the server alone writes that."""

from typing import Any

import pytest

from tests.house import BOB, House, Person
from tests.web.handlers.transfer.imports.test_imports import counts, error, imported

NOW = "2026-06-10T09:00:00Z"


def first(person: Person, plural: str) -> Any:
    return person.json_of("GET", f"/{plural}")["items"][0]


def brought(person: Person, plural: str, file: str, query: str = "") -> Any:
    """Return the one record that a file becomes."""
    assert counts(imported(person, file, f"kind={plural}&{query}"))[1:] == (1, 0, 0)
    return first(person, plural)


def test_deals_that_were_won_in_another_year_do_not_count_as_won_now(alice: Person) -> None:
    rows = [("A", "Closed Won", "2023-05-17"), ("B", "Closed Lost", "2024-01-02"), ("C", "Proposal", "2026-01-01")]
    file = "Deal Name,Deal Stage,Close Date,Amount\n" + "".join(f"{a},{b},{c},100\n" for a, b, c in rows)
    assert counts(imported(alice, file, "kind=deals"))[1] == 3
    found = {each["title"]: each["closed_at"] for each in alice.json_of("GET", "/deals")["items"]}
    assert found == {"A": "2023-05-17T00:00:00Z", "B": "2024-01-02T00:00:00Z", "C": None}
    figures = alice.text("GET", "/analytics/summary?period=this_month")
    assert "deals" in figures
    assert "2023" not in figures
    assert alice.json_of("GET", "/deals?closed_at=lt:2024-01-01")["total"] == 1


@pytest.mark.parametrize(
    ("head", "row", "closed_at", "status"),
    [
        ("Closed date", "won,2023-05-17 10:30", "2023-05-17T10:30:00Z", "won"),
        ("closed_at", "lost,2023-05-17T10:30:00+02:00", "2023-05-17T08:30:00Z", "lost"),
        ("Won time", "won,17.05.2023", "2023-05-17T00:00:00Z", "won"),
        ("Close Date", "won,2026-06-30", NOW, "won"),
        ("Close Date", "won,", NOW, "won"),
        ("Closed date", "won,2030-01-01", NOW, "won"),
        ("Closed date", "open,2023-05-17", None, "open"),
    ],
)
def test_a_deal_closed_when_its_row_says(alice: Person, head: str, row: str, closed_at: Any, status: str) -> None:
    found = brought(alice, "deals", f"title,status,{head}\nBig,{row}\n")
    assert (found["closed_at"], found["status"]) == (closed_at, status)
    assert found["custom"] == ({head: "2023-05-17"} if status == "open" else None)


@pytest.mark.parametrize(
    ("won", "closed", "status"), [("true", "true", "won"), ("0", "1", "lost"), ("false", "false", "open")]
)
def test_is_won_and_is_closed_make_the_status_of_a_deal(alice: Person, won: str, closed: str, status: str) -> None:
    head = "Id,Name,StageName,CloseDate,IsClosed,IsWon,OwnerId,CreatedById"
    found = brought(alice, "deals", f"{head}\n0061,Big,Signed,2023-05-17,{closed},{won},005,005\n")
    assert (found["status"], found["stage"], found["source_id"]) == (status, "Signed", "salesforce:0061")
    assert found["closed_at"] == (None if status == "open" else "2023-05-17T00:00:00Z")


@pytest.mark.parametrize("head", ["Resolved", "Date/Time Closed", "Close date", "closed_at", "Solved at"])
def test_a_ticket_was_solved_when_its_row_says(alice: Person, head: str) -> None:
    found = brought(alice, "tickets", f"subject,{head}\nBroken,2023-05-17 10:30\n")
    assert (found["status"], found["closed_at"], found["custom"]) == ("solved", "2023-05-17T10:30:00Z", None)


@pytest.mark.parametrize("head", ["Resolved", "IsClosed", "Closed"])
def test_a_yes_says_that_a_ticket_is_solved(alice: Person, head: str) -> None:
    found = brought(alice, "tickets", f"subject,{head}\nBroken,Yes\n")
    assert (found["status"], found["closed_at"], found["custom"]) == ("solved", NOW, None)


@pytest.mark.parametrize("head", ["Completed", "done at", "Completed Date", "Marked as done time", "done"])
def test_a_task_was_done_when_its_row_says(alice: Person, head: str) -> None:
    found = brought(alice, "tasks", f"title,{head}\nCall,5/17/2023 10:30\n")
    assert (found["done"], found["done_at"], found["custom"]) == (True, "2023-05-17T10:30:00Z", None)


@pytest.mark.parametrize("head", ["Completed", "IsClosed", "done at"])
def test_a_yes_says_that_a_task_is_done(alice: Person, head: str) -> None:
    found = brought(alice, "tasks", f"title,{head}\nCall,yes\n")
    assert (found["done"], found["done_at"], found["custom"]) == (True, NOW, None)


def test_two_orders_that_fit_a_day_on_which_a_task_was_done_refuse_the_row(alice: Person) -> None:
    file = "title,Completed\nCall,03/04/2023\n"
    assert counts(imported(alice, file, "kind=tasks"))[1:] == (0, 0, 1)
    assert brought(alice, "tasks", file, "dates=dmy")["done_at"] == "2023-04-03T00:00:00Z"


@pytest.mark.parametrize("format", ["csv", "xlsx", "json", "jsonl"])
def test_an_export_tells_another_workspace_when_its_records_ended(home: House, alice: Person, format: str) -> None:
    made = {
        "deals": [{"title": "A", "status": "won", "close_date": "2020-01-01"}, {"title": "B", "status": "lost"}],
        "tickets": [{"subject": "A", "status": "solved"}],
        "tasks": [{"title": "A", "done": True}, {"title": "B"}],
    }
    for plural, bodies in made.items():
        for body in bodies:
            alice.json_of("POST", f"/{plural}", body)
    home.clock.move(days=3)
    with home.sign_in(BOB) as bob:
        for plural, bodies in made.items():
            file: Any = alice.get(f"/{plural}/export?format={format}").content
            assert counts(imported(bob, file, f"kind={plural}"))[1:] == (len(bodies), 0, 0)
            assert ended_at(bob, plural) == ended_at(alice, plural)
            assert NOW in ended_at(bob, plural).values()
            assert counts(imported(alice, file, f"kind={plural}"))[1:] == (0, len(bodies), 0)
            assert {each["version"] for each in alice.json_of("GET", f"/{plural}")["items"]} == {1}


def ended_at(person: Person, plural: str) -> dict[str, Any]:
    name, title = ("done_at" if plural == "tasks" else "closed_at"), ("subject" if plural == "tickets" else "title")
    return {each[title]: each[name] for each in person.json_of("GET", f"/{plural}")["items"]}


def test_a_row_corrects_when_a_deal_was_closed_and_one_undo_takes_it_back(alice: Person) -> None:
    made = alice.json_of("POST", "/deals", {"title": "A", "status": "won"})
    done = imported(alice, f"id,closed_at\n{made['id']},2023-05-17T10:00:00Z\n", "kind=deals")
    assert counts(done) == (1, 0, 1, 0)
    assert first(alice, "deals")["closed_at"] == "2023-05-17T10:00:00Z"
    alice.post(f"/undo/{done['operation']}")
    assert first(alice, "deals")["closed_at"] == NOW
    reopened = imported(alice, f"id,status,closed_at\n{made['id']},open,2023-05-17\n", "kind=deals")
    assert counts(reopened) == (1, 0, 1, 0)
    assert first(alice, "deals")["closed_at"] is None


def test_a_day_on_which_a_deal_was_expected_to_close_moves_none_that_is_closed(alice: Person) -> None:
    made = alice.json_of("POST", "/deals", {"title": "A", "status": "won"})
    imported(alice, f"id,close_date\n{made['id']},2023-05-17\n", "kind=deals")
    assert (first(alice, "deals")["closed_at"], first(alice, "deals")["close_date"]) == (NOW, "2023-05-17")


@pytest.mark.parametrize(("plural", "name"), [("deals", "closed_at"), ("tickets", "closed_at"), ("tasks", "done_at")])
def test_no_other_request_tells_when_something_ended(alice: Person, plural: str, name: str) -> None:
    title = "subject" if plural == "tickets" else "title"
    answer = alice.post(f"/{plural}", json={title: "A", name: NOW})
    assert error(answer) == (400, "unknown_field")


def test_what_is_told_of_the_past_must_be_a_time(alice: Person) -> None:
    file = "title,status,when\nA,won,soon\n"
    found = imported(alice, file, "kind=deals&map.when=closed_at")
    assert counts(found) == (1, 0, 0, 1)
    assert [*found["refused_rows"][0]["fields"]] == ["closed_at"]
