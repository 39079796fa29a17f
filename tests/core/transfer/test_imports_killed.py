"""The program is killed with kill -9 while it imports a file: no row is written twice, none is left out."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.house import ALICE, UNLIMITED, Person, process
from tests.postgres import rows

MANY = 3_000
KILLS = 2 if postgres.SERVER else 4
WAITS = 120  # seconds until the test gives up


@pytest.mark.slow
def test_an_import_that_is_killed_again_and_again_writes_each_row_once_and_is_undone_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    lines = [f"Jane {number},jane{number}@acme.example,Acme {number % 50}" for number in range(MANY)]
    lines[7::100] = [f"Eve {number},no address," for number in range(MANY // 100)]
    content = "\n".join(["name,email,company_name", *lines])
    with process(folder, **UNLIMITED) as running, running.sign_in() as alice:
        token = alice.token
        alice.post("/import?map.company_name=custom.company&start=1", content=content.encode())
        _past(folder, 0)
        running.kill()
    assert len(list((folder / "uploads").iterdir())) == 1
    done = 0
    for _ in range(KILLS):
        before, done = done, _done(folder)
        assert before < done < MANY
        with process(folder, **UNLIMITED) as running:
            _past(folder, done)
            running.kill()
    with process(folder, **UNLIMITED) as running, Person(running.url, token, ALICE) as alice:
        _until(lambda: alice.json_of("GET", "/imports")["items"][0]["state"] != "running")
        found = alice.json_of("GET", "/imports")["items"][0]
        assert (found["state"], found["done"]) == ("done", MANY)
        assert (found["creates"], found["updates"], found["refused"]) == (MANY - MANY // 100, 0, MANY // 100)
        whole = "SELECT count(*), count(DISTINCT target), count(DISTINCT coalesce(op, seq)) FROM audit "
        whole += "WHERE action = 'contact.create'"
        assert rows(folder, whole) == [(found["creates"], found["creates"], 1)]
        assert rows(folder, "SELECT count(*), count(DISTINCT number) FROM refused_rows") == [(MANY // 100,) * 2]
        assert list((folder / "uploads").iterdir()) == []
        undone = alice.json_of("POST", f"/undo/{found['operation']}")
        if "state" in undone:
            _until(lambda: alice.json_of("GET", f"/jobs/{undone['id']}")["state"] == "done")
        assert rows(folder, "SELECT count(*) FROM contacts") == [(0,)]


def _done(folder: Path) -> int:
    ((done,),) = rows(folder, "SELECT done FROM imports")
    return int(done)


def _past(folder: Path, done: int) -> None:
    """Return once more rows are done than so many."""
    _until(lambda: bool(rows(folder, "SELECT 1 FROM imports")) and _done(folder) > done)


def _until(met: Any) -> None:
    deadline = time.monotonic() + WAITS
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.01)
