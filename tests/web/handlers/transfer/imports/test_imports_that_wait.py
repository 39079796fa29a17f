"""How many imports wait, when one begins and ends, and what is dropped with it."""

import gc
import io
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import openpyxl
import pytest

from crmkit.core.call import Call
from crmkit.core.pruning.sweep import STEPS, sweep
from crmkit.core.transfer.imports import job, verbs
from crmkit.core.transfer.imports.open_files import OpenFile
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.transfer import imports
from tests.core.jobs.kinds import actor_of, add
from tests.house import ALICE, House, Person
from tests.teams.office import stepped
from tests.web.connection.raw import answer as answer_of
from tests.web.connection.raw import connected, head
from tests.web.handlers.transfer.imports.test_imports import (
    HEAD,
    JANE,
    counts,
    ended,
    error,
    file,
    files,
    imported,
    many,
    planned,
)

NEVER = "2100-01-01T00:00:00Z"


@pytest.mark.parametrize("is_stopped", [False, True])
def test_an_import_that_waits_is_woken_by_the_end_of_the_one_before(
    alice: Person, monkeypatch: pytest.MonkeyPatch, is_stopped: bool
) -> None:
    monkeypatch.setattr(job, "TURN_SECONDS", 10_000_000)
    first, *others = [planned(alice, many(400), "start=1")["id"] for _ in range(3)]
    if is_stopped:
        alice.delete(f"/imports/{first}")
    assert [ended(alice, id)["state"] for id in others] == ["done"] * 2


def test_imports_of_a_workspace_run_one_after_another(alice: Person) -> None:
    first = planned(alice, many(400), "start=1")["id"]
    second = planned(alice, many(10, start=390), "start=1")["id"]
    while (found := alice.json_of("GET", f"/imports/{second}"))["state"] == "running":
        if found["done"]:
            assert alice.json_of("GET", f"/imports/{first}")["state"] == "done"
    assert counts(found) == (10, 0, 10, 0)


def test_a_plan_is_dropped_after_a_day_and_its_file_too(home: House, alice: Person) -> None:
    id = planned(alice, file(JANE))["id"]
    home.clock.move(hours=25)
    _swept(home, lambda: not files(home))
    assert error(alice.get(f"/imports/{id}")) == (404, "not_found")


def test_an_old_report_is_dropped_some_rows_at_a_time(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [("Eve", "no address", "", "")] * 5
    ids = [imported(alice, file(*wrong))["id"] for _ in range(2)]
    monkeypatch.setattr(imports, "DROPPED_AT_ONCE", 4)
    home.clock.move(hours=24 * imports.REPORT_DAYS + 1)

    def count(tx: Tx) -> int:
        number: int = tx.connection.execute("SELECT count(*) FROM refused_rows").fetchone()[0]
        return number

    def unit(tx: Tx) -> tuple[int, bool]:
        before, is_left = count(tx), drops.drop(tx, home.crm)
        return before - count(tx), is_left

    drops = next(step for step in STEPS if "imports" in step.tables)
    is_left = True
    while is_left:
        dropped, is_left = home.do(Call(home.crm).write(unit, lanes=ANYWHERE))
        assert dropped <= 4
    with home.sign_in(ALICE, "later") as later:
        assert [error(later.get(f"/imports/{id}")) for id in ids] == [(404, "not_found")] * 2
        assert f"ends after {imports.PLAN_HOURS} hours" in later.get("/help?topic=import").text


def test_a_file_that_is_removed_is_closed_too(home: House, alice: Person) -> None:
    book, bytes_ = openpyxl.Workbook(), io.BytesIO()
    for row in (HEAD, JANE):
        book.active.append(row)
    book.save(bytes_)
    content = bytes_.getvalue()

    def post(person: Person) -> str:
        answer = person.post("/import", content=content)
        assert answer.status_code == 201, answer.text
        return answer.text.split("  ")[0].removeprefix("import/")

    assert alice.delete(f"/imports/{post(alice)}").status_code == 200
    assert _open(home) == []
    post(alice)
    home.clock.move(hours=25)
    _swept(home, lambda: _open(home) == [])
    place = alice.json_of("POST", "/workspaces", {"name": "Other"})["id"]
    token = alice.json_of("POST", f"/workspaces/{place}/tokens", {"token_name": "other"})["token"]
    with Person(home.url, token, ALICE) as there:
        post(there)
    assert len(_open(home)) == 1
    assert stepped(home, alice, "DELETE", f"/workspaces/{place}").status_code == 200
    assert _open(home) == []


def test_the_end_of_a_workspace_takes_its_imports_and_their_files(home: House, alice: Person) -> None:
    place = alice.json_of("POST", "/workspaces", {"name": "Other"})["id"]
    token = alice.json_of("POST", f"/workspaces/{place}/tokens", {"token_name": "other"})["token"]
    with Person(home.url, token, ALICE) as there:
        planned(there, file(JANE, ("Eve", "no address", "", "")))
    assert len(files(home)) == 1
    assert stepped(home, alice, "DELETE", f"/workspaces/{place}").status_code == 200
    assert files(home) == []
    for table in ("imports", "refused_rows"):
        sql = f"SELECT count(*) FROM {table}"
        assert home.do(home.crm.database.read(None, lambda c, sql=sql: c.execute(sql).fetchone())) == (0,)


def test_an_import_ends_with_the_token_that_started_it(home: House, alice: Person) -> None:
    with home.sign_in(ALICE, "other") as other:
        job_id = _paused(home, other)
        assert alice.json_of("GET", f"/imports/{job_id}")["state"] == "running"
        (token,) = [item["id"] for item in alice.json_of("GET", "/tokens")["items"] if item["name"] == "other"]
        assert alice.delete(f"/tokens/{token}").status_code == 200

    def has_ended() -> bool:
        home.clock.move(minutes=2)  # the job may have begun to wait only after the clock was moved before
        return alice.json_of("GET", f"/imports/{job_id}")["state"] != "running"

    _becomes(has_ended)
    found = alice.json_of("GET", f"/imports/{job_id}")
    assert (found["state"], found["error"], found["done"]) == ("stopped", "invalid_token", 0)
    _becomes(lambda: not files(home))


def test_an_import_whose_file_is_gone_ends_and_says_so(home: House, alice: Person) -> None:
    id = planned(alice, file(JANE))["id"]
    files(home)[0].unlink()
    assert error(alice.patch(f"/imports/{id}", json={"mode": "create"})) == (404, "not_found")
    alice.json_of("POST", f"/imports/{id}/start")
    found = ended(alice, id)
    assert (found["state"], found["error"]) == ("stopped", "not_found")
    _becomes(lambda: _open(home) == [])


def test_at_most_so_many_imports_wait_started_or_not(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    _paused(home, alice)
    monkeypatch.setattr(verbs, "MOST_WAITING", 3)
    planned(alice, file(JANE), "start=1")
    last = alice.post("/import?start=1", content=file(JANE), headers={"Idempotency-Key": "1"})
    for query in ("", "?start=1"):
        for headers in ({}, {"Idempotency-Key": "2"}):
            answer = alice.post(f"/import{query}", content=file(JANE), headers=headers)
            assert error(answer) == (409, "in_progress")
    assert len(files(home)) == 3
    again = alice.post("/import?start=1", content=file(JANE), headers={"Idempotency-Key": "1"})
    assert (again.status_code, again.text) == (201, last.text)


def test_files_that_wait_have_together_only_so_many_bytes(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(alice, file(JANE))
    monkeypatch.setattr(verbs, "MOST_LARGE", 0)
    assert error(alice.post("/import", content=file(JANE))) == (409, "in_progress")
    assert len(files(home)) == 1


def test_a_file_is_refused_before_it_comes_where_too_many_wait(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "MOST_WAITING", 0)
    with connected(home.url) as connection:
        lines = ("Content-Length: 1000", "Expect: 100-continue")
        connection.sendall(head("POST", "/import", *lines, token=alice.token))
        status, _, body = answer_of(connection)
        assert (status, body.splitlines()[0]) == (409, "ERROR in_progress")


def _paused(home: House, person: Person) -> str:
    """Return the id of an import whose job waits for its turn."""
    place = person.json_of("GET", "/whoami")["workspace"]
    id: str = planned(person, file(JANE))["id"]
    other = add(home, actor_of(home, person), "none", due_at=NEVER)
    home.crm.open_files._open[other.id] = OpenFile(place, None, -1, iter(()))
    person.json_of("POST", f"/imports/{id}/start")
    return id


def _becomes(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _open(home: House) -> list[str]:
    """Return the files that clients sent which this process has open."""
    gc.collect()
    folder = str(home.folder / "uploads")
    opened = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            opened.append(str(descriptor.readlink()))
    return [path for path in opened if path.startswith(folder)]


def _swept(home: House, met: Callable[[], bool]) -> None:
    home.do(sweep(Call(home.crm)))
    assert met()
