"""What a token that writes a kind and does not read it is shown of the records that it writes."""

import httpx
import pytest

from tests.house import House, Person
from tests.teams.office import JSON, Team, new
from tests.teams.rights.scopes.narrow import missing, narrowed

WORD = "zebracanary"


@pytest.fixture
def id(us: Team) -> str:
    return new(us.alice, "/contacts", name=f"{WORD} Doe", email="jane@acme.com", stage="lead", notes=WORD)


def answers(person: Person, id: str, headers: dict[str, str]) -> list[httpx.Response]:
    return [
        person.post("/contacts", json={"email": "jane@acme.com", "job_title": "CTO"}, headers=headers),
        person.post("/contacts?fields=name,notes", json={"email": "jane@acme.com"}, headers=headers),
        person.patch(f"/contacts/{id}", json={"job_title": "CEO"}, headers=headers),
        person.patch(f"/contacts/{id}", json={"job_title": "CFO", "version": 1}, headers=headers),
    ]


@pytest.mark.parametrize("headers", [{}, JSON], ids=["text", "json"])
def test_an_answer_to_a_write_has_the_handle_alone_of_a_record_that_the_token_may_not_read(
    home: House, us: Team, id: str, headers: dict[str, str]
) -> None:
    clerk = narrowed(home, us.alice, "contacts.write")
    found = answers(clerk, id, headers)
    assert [answer.status_code for answer in found] == [200, 200, 200, 412]
    for answer in found:
        assert WORD not in answer.text
        assert "acme.com" not in answer.text
        assert f"contact/{id}" in answer.text or answer.status_code == 412
    assert us.alice.json_of("GET", f"/contacts/{id}")["job_title"] == "CEO"


def test_a_token_that_reads_the_kind_too_is_shown_the_record(home: House, us: Team, id: str) -> None:
    clerk = narrowed(home, us.alice, "contacts.write contacts.read")
    assert all(WORD in answer.text for answer in answers(clerk, id, {}))


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_write_to_all_that_filters_find_needs_the_reading_too(home: House, us: Team, id: str, method: str) -> None:
    body = {"job_title": "COO"} if method == "PATCH" else None
    verb = "write" if method == "PATCH" else "delete"
    for words, wanted in ((f"contacts.{verb}", "contacts.read"), (f"contacts.{verb} contacts.read", "")):
        for query in (f"notes=contains:{WORD}", "notes=contains:nothing", "nothing=1", f"id=in:{id}"):
            answer = narrowed(home, us.alice, words).send_it(method, f"/contacts?{query}", body, headers=JSON)
            assert missing(answer) == wanted, answer.text


@pytest.mark.parametrize("headers", [{}, JSON], ids=["text", "json"])
def test_the_first_step_of_a_merge_names_the_records_alone_to_a_token_that_may_not_read_them(
    home: House, us: Team, id: str, headers: dict[str, str]
) -> None:
    other = new(us.alice, "/contacts", name=f"{WORD} Roe", phone="+49 30 1234567", notes=f"{WORD} too")
    clerk = narrowed(home, us.alice, "contacts.write contacts.delete")
    asked = clerk.post(f"/contacts/{id}/merge", json={"from": other}, headers=headers)
    assert asked.status_code == 409
    for value in (WORD, "acme.com", "1234567"):
        assert value not in asked.text
    assert f"contact/{other} goes into contact/{id}. The activities" in asked.text
    assert not {"kept", "dropped", "filled"} & (asked.json().keys() if headers else set())
    confirm = asked.text.partition("confirm=")[2].split()[0].rstrip('",')
    done = clerk.post(f"/contacts/{id}/merge?confirm={confirm}", json={"from": other}, headers=headers)
    assert done.status_code == 200, done.text
    assert WORD not in done.text
    assert us.alice.json_of("GET", f"/contacts/{id}")["phone"] == "+49 30 1234567"


def test_the_note_on_the_next_task_of_a_series_tells_its_day_to_a_token_that_reads_tasks(home: House, us: Team) -> None:
    for words, told in (("tasks.write", False), ("tasks.write tasks.read", True)):
        id = new(us.alice, "/tasks", title=WORD, due_at="2031-05-04T10:00:00Z", repeat="weekly")
        answer = narrowed(home, us.alice, words).patch(f"/tasks/{id}", json={"done": True})
        assert "# note: next: task/" in answer.text
        assert ("2031-05-11" in answer.text) is told


def test_to_score_a_record_needs_the_reading_too(home: House, us: Team, id: str) -> None:
    for words, wanted in (
        ("contacts.write scoring.read", "contacts.read"),
        ("contacts.write scoring.read contacts.read", ""),
    ):
        assert missing(narrowed(home, us.alice, words).post(f"/contacts/{id}/score", headers=JSON)) == wanted
