"""The program is killed with kill -9 while it changes very many records: each is changed once, none is left out."""

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import postgres
from tests.house import UNLIMITED, process
from tests.postgres import rows

MANY = 1_500
KILLS = 2 if postgres.SERVER else 4
WAITS = 120  # seconds until the test gives up
CHANGE = {"stage": "customer"}


@pytest.mark.slow
def test_a_change_of_many_that_is_killed_again_and_again_changes_each_record_once(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    written = "SELECT count(*), count(DISTINCT target), count(DISTINCT coalesce(op, seq)) FROM audit WHERE action = "
    with process(folder, **UNLIMITED) as running, running.sign_in() as alice:
        for number in range(MANY):
            assert alice.post("/contacts", json={"name": f"Jane {number}", "stage": "lead"}).status_code == 201
        path = "/contacts?stage=lead"
        confirm = alice.json_of("PATCH", path, CHANGE)["confirm"]
        killer = threading.Thread(target=lambda: (_past(folder, 0), running.kill()))
        killer.start()
        with pytest.raises(httpx.HTTPError):
            alice.json_of("PATCH", f"{path}&confirm={confirm}", CHANGE)
        killer.join()
    done = 0
    for _ in range(KILLS):
        before, done = done, _done(folder)
        assert before < done < MANY
        assert rows(folder, f"{written}'contact.update'") == [(done, done, 1)]
        with process(folder, **UNLIMITED) as running:
            _past(folder, done)
            running.kill()
    with process(folder, **UNLIMITED):
        _past(folder, MANY - 1)
        _ended(folder)
    assert rows(folder, f"{written}'contact.update'") == [(MANY, MANY, 1)]
    assert rows(folder, "SELECT stage, version, count(*) FROM contacts GROUP BY stage, version") == [
        ("customer", 2, MANY)
    ]
    assert rows(folder, "SELECT count(*) FROM job_records") == [(0,)]
    (result,) = rows(folder, "SELECT result FROM jobs WHERE kind = 'write_many'")[0]
    assert json.loads(result)["message"] == f"changed {MANY} contacts"


def _done(folder: Path) -> int:
    ((position,),) = rows(folder, "SELECT position FROM jobs WHERE kind = 'write_many'")
    found = re.search(r'"done":(\d+)', position)
    assert found
    return int(found[1])


def _past(folder: Path, done: int) -> None:
    """Return once the job has written more records than so many."""
    _until(lambda: bool(rows(folder, "SELECT 1 FROM jobs WHERE kind = 'write_many'")) and _done(folder) > done)


def _ended(folder: Path) -> None:
    _until(lambda: rows(folder, "SELECT state FROM jobs WHERE kind = 'write_many'") == [("done",)])


def _until(met: Any) -> None:
    deadline = time.monotonic() + WAITS
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.01)
