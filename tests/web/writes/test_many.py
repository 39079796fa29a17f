"""Writes of many records, at once and by jobs: as dry runs, under keys, and read by others."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from crmkit.core.call import Call
from crmkit.core.jobs import awaited
from crmkit.core.many import found, in_steps
from crmkit.core.pruning.sweep import sweep
from crmkit.core.requests import parts
from crmkit.core.undo import job as undo_job
from crmkit.core.undo import undo as undo_verb
from crmkit.errors import Problem
from tests.house import House, Person
from tests.teams.office import JSON, Books, address, enter, error_of, new, office, team
from tests.web.writes.test_keys import keyed, replayed

FEW, MANY = 5, 30


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server for which more than ten records are many."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(found, "AT_ONCE", 10)
        for module in (found, in_steps):
            patched.setattr(module, "OF_PART", 4)
        patched.setattr(undo_verb, "MOST", 10)
        patched.setattr(undo_job, "LOOKED_AT", 8)
        patched.setattr(undo_job, "WRITTEN", 8)
        with office(tmp_path_factory.mktemp("many") / "data") as running:
            yield running


@pytest.fixture
def alice(home: House) -> Person:
    """Alice, in a workspace that is hers alone in each test."""
    return enter(home, address("alice"))


@pytest.fixture
def everything(home: House, alice: Person) -> Iterator[Callable[[], Any]]:
    """A function that returns all rows of all tables, but the segments of the indexes of texts, which upkeep merges."""
    with Books(home.folder) as books:
        indexes = tuple(f"{name}_" for name in books.virtual())

        def read() -> Any:
            home.rested()
            books.settled(alice)
            return {
                table: [repr(sorted(row.items())) for row in books.rows(table)]
                for table in books.tables()
                if not table.startswith(indexes)
            }

        yield read


Request = tuple[str, str, Any]


def batched(person: Person, count: int) -> Any:
    items = [{"name": f"Jane {number}", "stage": "lead"} for number in range(count)]
    answer = person.json_of("POST", "/contacts/batch", {"items": items})
    assert answer["created"] == count
    return answer


def batch(person: Person) -> Request:
    return "POST", "/contacts/batch", [{"name": "Jane", "email": "j@acme.com"}, {"nme": 1}, {"email": "j@acme.com"}]


def merge(person: Person) -> Request:
    one, other = (new(person, "/contacts", name=name) for name in ("Jane", "Joan"))
    return "POST", f"/contacts/{one}/merge", {"from": other}


def change(person: Person, count: int = FEW) -> Request:
    batched(person, count)
    return "PATCH", "/contacts?stage=lead", {"stage": "won"}


def delete(person: Person, count: int = FEW) -> Request:
    batched(person, count)
    return "DELETE", "/contacts?stage=lead", None


def undo(person: Person, count: int = FEW) -> Request:
    return "POST", f"/undo/{batched(person, count)['operation']}", None


REQUESTS: dict[str, Callable[[Person], Request]] = {
    "batch": batch,
    "merge": merge,
    "change": change,
    "delete": delete,
    "undo": undo,
    "change of many": lambda person: change(person, MANY),
    "delete of many": lambda person: delete(person, MANY),
    "undo of many": lambda person: undo(person, MANY),
}


def confirmed(person: Person, request: Request) -> Request:
    """Return a request with the token that its first step shows, if it has two."""
    method, path, body = request
    if path.startswith("/undo") or path.endswith("/batch"):
        return request
    token = person.json_of(method, path, body)["confirm"]
    return method, f"{path}{'&' if '?' in path else '?'}confirm={token}", body


def dry(person: Person, request: Request, **headers: str) -> httpx.Response:
    method, path, body = request
    return person.send_it(method, f"{path}{'&' if '?' in path else '?'}dry_run=1", body, headers=headers)


def ended(person: Person, job: str) -> Any:
    """Return a job once it has ended."""
    for _ in range(2_000):
        shown = person.json_of("GET", f"/jobs/{job}")
        if shown["state"] not in ("waiting", "running"):
            return shown
    return pytest.fail("the job does not end")


def swept(home: House) -> None:
    home.do(sweep(Call(home.crm)))


@pytest.mark.parametrize("made", REQUESTS.values(), ids=REQUESTS)
def test_a_dry_run_under_a_key_keeps_no_answer_and_the_write_is_then_done_once(
    alice: Person, everything: Callable[[], Any], made: Callable[[Person], Request]
) -> None:
    request, key = made(alice), keyed()
    before = everything()
    tried = dry(alice, request, **key)
    assert tried.text.endswith("# dry run: nothing was written\n"), tried.text
    assert everything() == before
    method, path, body = confirmed(alice, request)
    done = alice.send_it(method, path, body, headers=key)
    assert (done.status_code, "Idempotent-Replayed" in done.headers) == (tried.status_code, False), done.text
    assert done.text.splitlines()[0].split("  ")[0] == tried.text.splitlines()[0].split("  ")[0]
    after = everything()
    for headers in ({}, JSON):
        assert replayed(alice.send_it(method, path, body, headers={**key, **headers}), done)
    assert everything() == after


def test_a_dry_run_of_a_large_undo_tells_what_stands_against_it(alice: Person, everything: Callable[[], Any]) -> None:
    request = undo(alice, MANY)
    first = alice.json_of("GET", "/contacts?limit=1&sort=created_at")["items"][0]
    alice.patch(f"/contacts/{first['id']}", json={"name": "Other"})
    before = everything()
    answer = dry(alice, request, **JSON)
    assert error_of(answer) == (409, "undo_conflict")
    assert list(answer.json()["fields"]) == [f"{first['handle']}.name"]
    assert answer.json()["dry_run"] is True
    assert everything() == before


def test_a_dry_run_of_a_very_large_undo_says_how_much_it_looked_at(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "MOST_SECONDS", 0)
    monkeypatch.setattr(undo_job, "LOOKED_AT", 16)
    answer = dry(alice, undo(alice, MANY))
    assert answer.status_code == 200
    told, *notes = answer.text.splitlines()
    assert told.endswith(f" ({MANY} records)")
    assert notes[0].startswith(f"# note: the newest 16 of {MANY} changes were looked at")


def test_a_dry_run_of_a_large_undo_looks_at_its_oldest_changes_too(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo_job, "LOOKED_AT", 4)
    request = undo(alice, MANY)
    answer = dry(alice, request)
    assert (answer.status_code, "note" in answer.text) == (200, False)
    oldest = alice.json_of("GET", "/contacts?limit=1&sort=created_at")["items"][0]
    alice.patch(f"/contacts/{oldest['id']}", json={"name": "Other"})
    assert list(dry(alice, request, **JSON).json()["fields"]) == [f"{oldest['handle']}.name"]


@pytest.mark.parametrize("made", [change, delete, undo], ids=lambda made: made.__name__)
def test_the_answer_that_a_job_goes_on_is_replayed(
    alice: Person, monkeypatch: pytest.MonkeyPatch, made: Callable[[Person, int], Request]
) -> None:
    method, path, body = confirmed(alice, made(alice, MANY))
    key = keyed()
    with monkeypatch.context() as patched:
        patched.setattr(awaited, "WAIT_SECONDS", 0)
        first = alice.send_it(method, path, body, headers=key)
    assert first.status_code == 202
    assert replayed(alice.send_it(method, path, body, headers=key), first)
    job = first.text.split()[0]
    assert ended(alice, job)["state"] == "done"
    assert replayed(alice.send_it(method, path, body, headers=key), first)


def test_a_request_whose_job_is_waited_for_is_in_progress(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, path, body = confirmed(alice, change(alice, MANY))
    key, write = keyed(), in_steps._write
    is_there, may_go_on = threading.Event(), threading.Event()

    def waits(*args: Any) -> bool:
        if not may_go_on.is_set():
            is_there.set()
            raise Problem("busy", "Others write.")  # the step is tried again later
        return write(*args)

    monkeypatch.setattr(in_steps, "_write", waits)
    monkeypatch.setattr("crmkit.core.jobs.runner.WAIT_SECONDS", 0)
    with ThreadPoolExecutor() as pool, Person(home.url, alice.token) as twin:
        sent = pool.submit(alice.send_it, method, path, body, headers=key)
        assert is_there.wait(20)
        again = twin.send_it(method, path, body, headers={**key, **JSON})
        assert error_of(again) == (409, "in_progress")
        may_go_on.set()
        first = sent.result(20)
        assert (first.status_code, first.text.splitlines()[0]) == (200, f"OK changed {MANY} contacts")
        assert replayed(twin.send_it(method, path, body, headers=key), first)


def test_a_job_is_read_by_every_member_of_its_workspace_for_a_week(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    us = team(home)
    method, path, body = confirmed(us.alice, change(us.alice, MANY))
    with monkeypatch.context() as patched:
        patched.setattr(awaited, "WAIT_SECONDS", 0)
        job = us.alice.send_it(method, path, body).text.split()[0]
    for person in (us.alice, us.bob):
        assert ended(person, job)["count"] == MANY
    assert us.charlie.get(f"/jobs/{job}").status_code == 404
    home.clock.move(days=6, hours=23)
    swept(home)
    assert us.bob.get(f"/jobs/{job}").status_code == 200
    home.clock.move(hours=2)
    swept(home)
    assert us.bob.get(f"/jobs/{job}").status_code == 404
