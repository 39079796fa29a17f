"""A task that repeats is not finished where the plan allows no next one, whoever finishes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit.core.many import found
from tests.house import ALICE, UNLIMITED, House, Person, house
from tests.web.handlers.transfer.imports.test_imports import counts, ended, planned

SERIES = {"due_at": "2026-06-10T09:00:00Z", "repeat": "daily"}
OPEN = "/tasks?done=false"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    config = tmp_path / "crmkit.toml"
    config.write_text('[plans]\ndefault = "small"\n[plans.small]\ntasks = 4\n')
    with house(tmp_path / "data", UNLIMITED, file=config) as running:
        yield running


@pytest.fixture
def alice(home: House) -> Iterator[Person]:
    """Alice, whose workspace holds as many tasks as it may but one: two of them repeat."""
    with home.sign_in(ALICE) as person:
        for number, more in enumerate((SERIES, {}, SERIES)):
            assert person.post("/tasks", json={"title": f"{number}", "source_id": f"t-{number}", **more}).is_success
        yield person


def standing(person: Person) -> list[tuple[str, bool]]:
    tasks = person.json_of("GET", "/tasks?sort=created_at,title")["items"]
    return sorted((task["title"], task["done"]) for task in tasks)


def confirmed(person: Person, path: str, body: Any) -> Any:
    confirm = person.json_of("PATCH", path, body)["confirm"]
    return person.json_of("PATCH", f"{path}&confirm={confirm}", body)


def test_a_change_by_filter_at_once_changes_nothing(alice: Person) -> None:
    before = standing(alice)
    refusal = confirmed(alice, OPEN, {"done": True})
    assert (refusal["error"], refusal["resource"]) == ("plan_limit_reached", "tasks")
    assert standing(alice) == before


def test_a_job_by_filter_leaves_the_one_for_which_there_is_no_room(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found, "AT_ONCE", 0)
    answer = confirmed(alice, OPEN, {"done": True})
    assert (answer["count"], answer["left"]) == (2, 1)
    assert any("(plan_limit_reached)" in note for note in answer["notes"]), answer
    tasks = standing(alice)
    assert len(tasks) == 4
    assert sum(done for _, done in tasks) == 2
    assert ("1", True) in tasks  # nothing follows it
    assert alice.post(f"/undo/{answer['operation']}").status_code == 200
    assert standing(alice) == [("0", False), ("1", False), ("2", False)]


def test_an_import_ends_at_the_row_for_which_there_is_no_room(alice: Person) -> None:
    plan = planned(alice, "source_id,done\nt-0,true\nt-2,true\nt-1,true\n", "kind=tasks&mode=update")
    alice.json_of("POST", f"/imports/{plan['id']}/start")
    done = ended(alice, plan["id"])
    assert (done["state"], done["error"]) == ("stopped", "plan_limit_reached")
    assert counts(done)[1:] == (0, 1, 0)
    assert standing(alice) == [("0", False), ("0", True), ("1", False), ("2", False)]
    assert alice.post(f"/undo/{done['operation']}").status_code == 200
    assert standing(alice) == [("0", False), ("1", False), ("2", False)]
