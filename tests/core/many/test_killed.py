"""The program is killed with kill -9 while it writes very many records: each is written once, none is left out."""

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
DELETED, ALONG = 400, 9  # contacts, and activities of each
KILLS = 2 if postgres.SERVER else 4
WAITS = 120  # seconds until the test gives up
CHANGE = {"stage": "customer"}


@pytest.mark.slow
def test_a_change_of_many_that_is_killed_again_and_again_changes_each_record_once(tmp_path: Path) -> None:
    folder = tmp_path / "data"
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
        assert _entries(folder, "contact.update") == (done, done, 1)
        with process(folder, **UNLIMITED) as running:
            _past(folder, done)
            running.kill()
    with process(folder, **UNLIMITED):
        _past(folder, MANY - 1)
        _ended(folder)
    assert _entries(folder, "contact.update") == (MANY, MANY, 1)
    assert rows(folder, "SELECT stage, version, count(*) FROM contacts GROUP BY stage, version") == [
        ("customer", 2, MANY)
    ]
    assert rows(folder, "SELECT count(*) FROM job_records") == [(0,)]
    (result,) = rows(folder, "SELECT result FROM jobs WHERE kind = 'write_many'")[0]
    assert json.loads(result)["message"] == f"changed {MANY} contacts"


@pytest.mark.slow
def test_a_delete_of_many_that_is_killed_in_the_middle_of_a_part_deletes_each_record_once(tmp_path: Path) -> None:
    """What goes along makes a part more than a step writes."""
    folder = tmp_path / "data"
    with process(folder, **UNLIMITED) as running, running.sign_in() as alice:
        for start in range(0, DELETED, 100):
            logged = [{"body": f"met {n}"} for n in range(ALONG)]
            people = [{"name": f"Jane {start + n}", "activities": logged} for n in range(100)]
            assert alice.post("/contacts/batch", json=people).status_code == 201
        path = "/contacts?id=not:null"
        confirm = alice.json_of("DELETE", path)["confirm"]
        killer = threading.Thread(target=lambda: (_inside(folder, 0), running.kill()))
        killer.start()
        with pytest.raises(httpx.HTTPError):
            alice.json_of("DELETE", f"{path}&confirm={confirm}")
        killer.join()
    done, inside = 0, 0
    for _ in range(KILLS):
        before, done = done, _done(folder)
        assert before < done < DELETED
        inside += _position(folder, "at") > 0
        assert _entries(folder, "contact.delete") == (done, done, 1)
        assert _entries(folder, "activity.delete") == (done * ALONG, done * ALONG, 1)
        with process(folder, **UNLIMITED) as running:
            _inside(folder, done)
            running.kill()
    assert inside
    with process(folder, **UNLIMITED):
        _ended(folder)
    assert _entries(folder, "contact.delete") == (DELETED, DELETED, 1)
    assert _entries(folder, "activity.delete") == (DELETED * ALONG, DELETED * ALONG, 1)
    both = "SELECT count(DISTINCT coalesce(op, seq)) FROM audit WHERE action IN ('contact.delete', 'activity.delete')"
    assert rows(folder, both) == [(1,)]
    for table in ("contacts", "activities", "job_records"):
        assert rows(folder, f"SELECT count(*) FROM {table}") == [(0,)]
    (result,) = rows(folder, "SELECT result FROM jobs WHERE kind = 'write_many'")[0]
    assert json.loads(result)["message"] == f"deleted {DELETED} contacts"


def _entries(folder: Path, action: str) -> Any:
    """Return how many entries an action has, of how many records, by how many operations."""
    written = "SELECT count(*), count(DISTINCT target), count(DISTINCT coalesce(op, seq)) FROM audit WHERE action = "
    return rows(folder, f"{written}'{action}'")[0]


def _done(folder: Path) -> int:
    return _position(folder, "done")


def _position(folder: Path, name: str) -> int:
    ((position,),) = rows(folder, "SELECT position FROM jobs WHERE kind = 'write_many'")
    found = re.search(rf'"{name}":(\d+)', position)
    assert found
    return int(found[1])


def _past(folder: Path, done: int) -> None:
    """Return once the job has written more records than so many."""
    _until(lambda: bool(rows(folder, "SELECT 1 FROM jobs WHERE kind = 'write_many'")) and _done(folder) > done)


def _inside(folder: Path, done: int) -> None:
    """Return once it has written more than so many, and is in the middle of a part."""
    _past(folder, done)
    _until(lambda: _position(folder, "at") > 0)


def _ended(folder: Path) -> None:
    _until(lambda: rows(folder, "SELECT state FROM jobs WHERE kind = 'write_many'") == [("done",)])


def _until(met: Any) -> None:
    deadline = time.monotonic() + WAITS
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.01)
