"""Whoever starts a job waits for its end a while, and reads later how it stands; nobody else does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crmkit import ids
from crmkit.core.call import Call
from crmkit.core.jobs import awaited
from crmkit.core.jobs.kind import JobKind, JobKinds, Result
from crmkit.errors import Problem
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job
from crmkit.web.handlers.jobs import answer_of
from tests.core.jobs.kinds import ADDER, actor_of, add, ended
from tests.house import ALICE, CHARLIE, UNLIMITED, House, Person, house
from tests.kinds import CONTACT

NEVER = "2100-01-01T00:00:00Z"


def telling(tx: Tx, job: Job) -> Job:
    """Add contacts, and tell how many there are."""
    of = job.input["of"]
    if of == 0:
        raise Problem("invalid_value", "Send another number.")
    done = job.position["done"] + 1 if job.position else 1
    records.put(tx, CONTACT, None, CONTACT.new({"name": f"Jane {done}"}))
    moved = job.goes_on({"done": done, "of": of})
    return moved if done < of else moved.ends(Result(f"added {done} contacts", {"count": done}, ("they are alike",)))


@contextmanager
def working(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data", UNLIMITED, jobs=JobKinds(ADDER, JobKind("telling", telling))) as home:
        yield home


def started(home: House, person: Person, of: int, due_at: str = "") -> Job:
    return add(home, actor_of(home, person), "telling", {"of": of}, due_at)


def waited(home: House, person: Person, job: Job) -> Job:
    return home.do(awaited.awaited(Call(home.crm, actor_of(home, person)), job))


def test_a_job_that_ends_in_time_is_waited_for_and_its_end_is_the_answer(tmp_path: Path) -> None:
    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        job = started(home, alice, 5)
        last = waited(home, alice, job)
        answer = answer_of(last)
        operation = answer.data()["operation"]
        assert operation.startswith("op_")
        assert answer.status == 200
        assert answer.text().splitlines() == [
            "OK added 5 contacts",
            "# note: they are alike",
            f"# undo: POST /undo/{operation}",
        ]
        assert answer.data() == {
            "ok": True,
            "message": "added 5 contacts",
            "count": 5,
            "notes": ["they are alike"],
            "operation": operation,
        }


def test_a_job_that_takes_longer_is_answered_with_how_far_it_is(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(awaited, "WAIT_SECONDS", 0.05)
    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        job = started(home, alice, 5, NEVER)
        answer = answer_of(waited(home, alice, job))
        note = f"# note: GET /jobs/{job.id} tells how far it is, and its end"
        assert (answer.status, answer.text()) == (202, f"job/{job.id}  state=waiting\n{note}")
        assert answer.data() == {
            "handle": f"job/{job.id}",
            "id": job.id,
            "state": "waiting",
            "notes": [note.removeprefix("# note: ")],
        }


def test_a_job_that_fails_is_answered_with_the_problem_that_ended_it(tmp_path: Path) -> None:
    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        job = started(home, alice, 0)
        with pytest.raises(Problem, match=r"Send another number\.") as raised:
            answer_of(waited(home, alice, job))
        assert raised.value.code == "invalid_value"
        assert alice.get(f"/jobs/{job.id}").text == (
            f'job/{job.id}  state=failed  error=invalid_value  hint="Send another number."\n'
        )


def test_a_job_is_read_by_members_of_its_workspace_alone(tmp_path: Path) -> None:
    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        job = started(home, alice, 3)
        ended(home, job)
        shown = alice.json_of("GET", f"/jobs/job%2F{job.id}")
        assert (shown["state"], shown["count"]) == ("done", 3)
        assert alice.get(f"/jobs/{job.id}").text.startswith(f"job/{job.id}  state=done  done=3  of=3  count=3  ")
        unknown = ids.mint("jb")
        with home.sign_in(CHARLIE) as charlie:
            nothing = charlie.get(f"/jobs/{job.id}")
            assert nothing.status_code == 404
            assert nothing.text == charlie.get(f"/jobs/{unknown}").text.replace(unknown, job.id)


def test_a_job_of_the_system_is_read_by_nobody(tmp_path: Path) -> None:
    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        job = add(home, None, "adder", {"of": 1, "word": "Jane"}, NEVER)
        assert alice.get(f"/jobs/{job.id}").status_code == 404
        assert alice.get("/jobs/c_k7m2q9xa").status_code == 404
