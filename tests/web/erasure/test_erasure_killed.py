"""The program is killed with kill -9 while it erases a person, and others write to that person meanwhile."""

import re
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.house import ALICE, UNLIMITED, House, Person, Process, process
from tests.postgres import rows
from tests.web.erasure.leaving import EMAIL, NAME, confirm_in, erased, made, rows_telling

ACTIVITIES = 1_500  # more than a step erases
WAITS = 120  # seconds until the test gives up
TOLD = (NAME.encode(), NAME.lower().encode(), EMAIL.encode(), b"plurbwex")


def reached(folder: Path, part: str) -> None:
    """Return once the job has erased this part (0 to 1) of the entries that are to be erased, or has ended."""
    deadline = time.monotonic() + WAITS
    share = "SELECT avg(CASE changes WHEN 'null' THEN 1.0 ELSE 0 END) FROM audit WHERE target LIKE 'activity/%'"
    while time.monotonic() < deadline:
        if rows(folder, "SELECT 1 FROM jobs WHERE kind = 'erase'") and rows(folder, share)[0][0] >= float(part):
            return
        time.sleep(0.005)
    raise AssertionError("the job did not come so far")


def ended(folder: Path) -> None:
    deadline = time.monotonic() + WAITS
    while rows(folder, "SELECT state FROM jobs WHERE kind = 'erase'") != [("done",)]:
        assert time.monotonic() < deadline, rows(folder, "SELECT state, position, error FROM jobs")
        time.sleep(0.05)


def confirmed_path(person: Person, id: str) -> str:
    """Return the path that erases a person, with the confirm token; the code is shown, as on one's own machine."""
    code = re.search(r"local mode: code=(\w+)", person.delete(f"/contacts/{id}?erase=1").text)
    assert code
    shown = person.delete(f"/contacts/{id}?erase=1&code={code[1]}")
    return f"/contacts/{id}?erase=1&confirm={confirm_in(shown.text)}"


def killed_at(running: Process, folder: Path, part: str) -> None:
    reached(folder, part)
    running.kill()


@pytest.mark.slow
def test_an_erasure_that_is_killed_again_and_again_leaves_nothing_in_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with process(folder, **UNLIMITED) as running, running.sign_in() as alice:
        id = made(alice, "/contacts", {"name": NAME, "email": EMAIL}, **{"Idempotency-Key": "k"})["id"]
        for _ in range(ACTIVITIES // 500):
            items = [{"contact_id": id, "kind": "note", "body": f"plurbwex {at}"} for at in range(500)]
            made(alice, "/activities/batch", {"items": items})
        path, token = confirmed_path(alice, id), alice.token
        killer = threading.Thread(target=killed_at, args=(running, folder, "0"))
        killer.start()
        with suppress(httpx.HTTPError):
            alice.delete(path)
        killer.join()
    for part in ("0.2", "0.6", "1"):
        with process(folder, **UNLIMITED) as running:
            killed_at(running, folder, part)
    with process(folder, **UNLIMITED) as running:
        ended(folder)
        for file in (file for file in folder.rglob("*") if file.is_file()):
            held = [word for word in TOLD if word in file.read_bytes()]
            assert held == [], file
        with Person(running.url, token, ALICE) as alice:
            told = alice.get(f"/jobs/{rows(folder, 'SELECT id FROM jobs')[0][0]}").text
        assert told.startswith("job/jb_")
        assert "state=done" in told
        assert "undo" not in told
    assert rows(folder, "SELECT count(*) FROM contacts") == [(0,)]
    assert rows(folder, "SELECT count(*) FROM activities") == [(0,)]
    assert rows(folder, "SELECT count(*) FROM audit WHERE action = 'contact.erase'") == [(1,)]


def test_who_writes_to_a_person_while_they_are_erased_is_refused_and_leaves_nothing(town: House) -> None:
    with town.sign_in(ALICE) as alice:
        id = made(alice, "/contacts", {"name": NAME, "email": EMAIL})["id"]
        answers, goes_on = list[int](), threading.Event()
        goes_on.set()

        def write(number: int) -> None:
            with Person(town.url, alice.token, ALICE) as writer:
                while goes_on.is_set():
                    body = {"body": f"plurbwex {number}"}
                    answers.append(writer.post(f"/contacts/{id}/activities", json=body).status_code)
                    if answers[-1] == 404:
                        answers.append(writer.patch(f"/contacts/{id}", json={"notes": "plurbwex"}).status_code)

        writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        for writer in writers:
            writer.start()
        try:
            assert erased(town, alice, f"/contacts/{id}").status_code == 200
        finally:
            goes_on.clear()
            for writer in writers:
                writer.join()
        assert {*answers} == {201, 404}
        assert rows_telling(town) == {}
