"""The table of jobs: what is due and in what order, who takes it, how it ends, and that each workspace has its own."""

from functools import partial
from typing import Any

import pytest

from crmkit import ids
from crmkit.clock import after
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage import jobs
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.jobs import Due, Job
from crmkit.storage.log.chain import Chain
from crmkit.storage.workspaces import erasure
from tests.house import CHARLIE
from tests.kinds import REGISTRY
from tests.storage.desk import Desk, workspace_of


def add(back: Desk, actor: Actor | None, kind: str = "count", **more: Any) -> Job:
    unit = partial(jobs.add, kind=kind, **more)
    job: Job = back.do(back.database.write(unit, actor, None if actor else ANYWHERE))
    return job


def find(back: Desk, job: Job, workspace_id: str | None = None) -> Job | None:
    place = job.workspace_id if workspace_id is None else workspace_id
    found: Job | None = back.do(back.database.read(None, jobs.find, place, job.id))
    return found


def due(back: Desk) -> list[Due]:
    found, _ = back.do(back.database.read(None, jobs.due, back.crm.now))
    return list(found)


def next_at(back: Desk) -> str | None:
    _, found = back.do(back.database.read(None, jobs.due, back.crm.now))
    return None if found is None else str(found)


def write(back: Desk, unit: Any) -> Any:
    return back.do(back.database.write(unit, lanes=ANYWHERE))


def step(back: Desk, job: Job, change: Any) -> Job:
    """Take a job that is due, and return it as it is after a step that returns `change(job)`."""
    (taken,) = [one for one in due(back) if one.id == job.id]

    def unit(tx: Tx) -> None:
        claimed = jobs.claim(tx, taken)
        assert claimed is not None
        jobs.save(tx, change(claimed))

    write(back, unit)
    found = find(back, job)
    assert found is not None
    return found


def test_a_job_is_found_as_it_was_added_in_its_own_workspace_alone(back: Desk) -> None:
    alice, charlie = back.person(), back.person(CHARLIE)
    job = add(back, alice, input={"rows": [1, 2]}, due_at="2026-06-11T09:00:00Z")
    assert find(back, job) == job
    assert ids.parse(job.id, jobs.PREFIX, REGISTRY.prefixes) == job.id
    assert (job.state, job.input, job.position, job.token_id) == ("waiting", {"rows": [1, 2]}, None, alice.token_id)
    assert job.workspace_id == alice.workspace_id
    assert find(back, job, charlie.workspace_id) is None
    assert write(back, partial(jobs.stop, workspace_id=charlie.workspace_id, id=job.id)) is None
    assert find(back, job) == job


def test_a_job_without_an_actor_belongs_to_the_system(back: Desk) -> None:
    alice = back.person()
    own = add(back, None)
    theirs = add(back, alice, workspace=workspace_of(alice))
    assert (own.workspace_id, own.token_id) == ("", "")
    assert (theirs.workspace_id, theirs.token_id) == (alice.workspace_id, "")
    assert [one.id for one in due(back)] == [own.id, theirs.id]


def test_a_step_leaves_its_position_and_an_end_its_result(back: Desk) -> None:
    job = add(back, back.person())
    first = step(back, job, lambda job: job.goes_on({"at": 7}))
    assert (first.state, first.position) == ("running", {"at": 7})
    second = step(back, job, lambda job: job.waits({"at": 9}, after(back.crm.now, hours=1)))
    assert (second.state, second.position) == ("waiting", {"at": 9})
    assert due(back) == []
    assert next_at(back) == second.due_at
    back.clock.move(hours=1)
    last = step(back, job, lambda job: job.ends("all"))
    assert (last.state, last.result, last.due_at, last.ended_at) == ("done", "all", None, back.crm.now)
    assert due(back) == []
    assert next_at(back) is None


def test_what_one_took_and_changed_the_other_does_not_find(back: Desk) -> None:
    add(back, back.person())
    (taken,) = due(back)
    until = after(back.crm.now, seconds=60)
    assert write(back, partial(jobs.lease, due=taken, until=until)) is not None
    for second in (partial(jobs.lease, until=until), jobs.claim):
        assert write(back, partial(second, due=taken)) is None
    write(back, partial(jobs.pause, due=taken, until="", tries=1))
    write(back, partial(jobs.end, due=taken, state="failed", error="x"))
    back.clock.move(seconds=60)
    (again,) = due(back)
    assert (again.due_at, again.tries) == (until, 0)


def test_a_job_that_was_stopped_takes_no_further_step(back: Desk) -> None:
    alice = back.person()
    job = add(back, alice)
    (taken,) = due(back)
    stopped = write(back, partial(jobs.stop, workspace_id=alice.workspace_id, id=job.id))
    assert (stopped.state, stopped.ended_at) == ("stopped", back.crm.now)
    assert due(back) == []
    assert write(back, partial(jobs.claim, due=taken)) is None
    assert write(back, partial(jobs.stop, workspace_id=alice.workspace_id, id=job.id)) is None


def test_a_workspace_with_many_jobs_hides_nobody_elses(back: Desk) -> None:
    alice, charlie = back.person(), back.person(CHARLIE)
    many = [add(back, alice) for _ in range(jobs.MOST_DUE + 5)]
    one = add(back, charlie)
    found = due(back)
    assert [job.id for job in found if job.workspace_id == alice.workspace_id] == [j.id for j in many[: jobs.MOST_DUE]]
    assert [job.id for job in found if job.workspace_id == charlie.workspace_id] == [one.id]


def test_jobs_that_ended_are_forgotten_and_others_are_not(back: Desk) -> None:
    alice = back.person()
    ended, open_, ahead = add(back, alice), add(back, alice), add(back, alice)
    step(back, ended, lambda job: job.ends())
    back.clock.move(days=30)
    step(back, ahead, lambda job: job.ends())
    back.clock.move(days=-22)  # the clock had been ahead
    forget = partial(jobs.forget, before=after(back.crm.now, days=-7))
    write(back, forget)
    assert find(back, ended) is None
    assert find(back, open_) == open_
    kept = find(back, ahead)
    assert kept is not None
    assert kept.ended_at == back.crm.now


def test_only_pauses_end_when_the_clock_was_set_back(back: Desk) -> None:
    alice = back.person()
    paused = add(back, alice)
    add(back, alice, due_at=after(back.crm.now, days=3))  # a time that somebody named
    (taken,) = due(back)
    write(back, partial(jobs.pause, due=taken, until=after(back.crm.now, days=1), tries=1))
    write(back, partial(jobs.end_pauses_after, latest=after(back.crm.now, hours=1)))
    assert [job.id for job in due(back)] == [paused.id]


def test_an_erased_workspace_leaves_no_job(back: Desk) -> None:
    alice, charlie = back.person(), back.person(CHARLIE)
    for person in (alice, charlie):
        add(back, person, input="canary")
    write(back, partial(erasure.erase, kinds=REGISTRY, chain=Chain(back.crm.key), workspace=workspace_of(alice)))

    def owners(connection: Connection) -> list[str]:
        return [owner for (owner,) in connection.execute("SELECT workspace_id FROM jobs")]

    assert back.do(back.database.read(None, owners)) == [charlie.workspace_id]


def cost(back: Desk) -> int:
    """Return how many steps SQLite takes to find what is due."""

    def count(connection: Any) -> int:
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1

        connection.set_progress_handler(step, 1)
        try:
            jobs.due(connection, back.crm.now)
        finally:
            connection.set_progress_handler(None, 0)
        return steps

    steps: int = back.do(back.database.read(None, count))
    return steps


def test_a_unit_that_is_proposed_adds_no_job(back: Desk) -> None:
    def proposed(tx: Tx) -> None:
        tx.says = []
        jobs.add(tx, "count")

    with pytest.raises(Problem) as refused:
        back.do(back.database.write(proposed, back.person()))
    assert refused.value.code == "too_large"
    assert due(back) == []


@pytest.mark.sqlite
def test_what_a_look_costs_does_not_grow_with_the_jobs_that_are_due(back: Desk) -> None:
    alice = back.person()

    def add_many(tx: Tx) -> None:
        for _ in range(2 * jobs.MOST_DUE):
            jobs.add(tx, "count")

    back.do(back.database.write(add_many, alice))
    few = cost(back)
    for _ in range(9):
        back.do(back.database.write(add_many, alice))
    assert len(due(back)) == jobs.MOST_DUE
    assert cost(back) <= few


@pytest.mark.sqlite
def test_what_a_look_costs_does_not_grow_with_the_workspaces_whose_jobs_wait(back: Desk) -> None:
    def add_many(tx: Tx) -> None:
        for number in range(100, 200):
            jobs.add(tx, "count", None, after(tx.now, days=1), Workspace(f"ws_{number}", number))

    add(back, back.person())
    alone = cost(back)
    write(back, add_many)
    assert len(due(back)) == 1
    assert cost(back) <= alone
