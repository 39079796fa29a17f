"""Jobs are done step by step: fairly, as their actor may at that moment, and to an end that tells why."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.jobs import runner
from crmkit.core.jobs.kind import JobKind, JobKinds
from crmkit.errors import Problem
from crmkit.storage import jobs
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job
from tests.core.jobs.kinds import ADDER, WAITS, actor_of, add, ended, found, look, until
from tests.house import ALICE, CHARLIE, UNLIMITED, House, house


@contextmanager
def working(tmp_path: Path, *kinds: JobKind) -> Iterator[House]:
    with house(tmp_path / "data", UNLIMITED, jobs=JobKinds(ADDER, *kinds)) as home:
        yield home


def counting(seen: list[Any], of: int = 40) -> JobKind:
    """Return a kind whose steps write down whose they are."""

    def step(tx: Tx, job: Job) -> Job:
        seen.append(job.input)
        done = (job.position or 0) + 1
        return job.goes_on(done) if done < of else job.ends(done)

    return JobKind("counting", step)


def raising(error: Callable[[], Exception], times: int) -> JobKind:
    """Return a kind whose step writes something, then raises in so many tries, then ends.

    In one try it may run more than once: alone after its transaction was one with others.
    """

    def step(tx: Tx, job: Job) -> Job:
        ADDER.step(tx, job)
        if job.tries < times:
            raise error()
        return job.ends(job.tries)

    return JobKind("raising", step)


def names(person: Any) -> list[str]:
    return [item["name"] for item in person.json_of("GET", "/contacts?limit=200&sort=name")["items"]]


def test_a_job_is_done_to_its_end_by_its_actor(tmp_path: Path) -> None:
    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        job = ended(home, add(home, actor_of(home, alice), "adder", {"of": 5, "word": "Jane"}))
        assert (job.state, job.result, job.error) == ("done", 5, "")
        assert names(alice) == [f"Jane {n}" for n in range(1, 6)]
        log = alice.json_of("GET", "/audit?action=contact.create")["items"]
        assert [entry["by"] for entry in log] == [ALICE] * 5


def test_all_steps_of_a_job_are_one_operation(tmp_path: Path) -> None:
    def entries(connection: Connection) -> list[tuple[int, int | None]]:
        sql = "SELECT seq, op FROM audit WHERE action = 'contact.create' ORDER BY seq"
        return [(seq, op) for seq, op in connection.execute(sql)]

    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        alice.post("/contacts", json={"name": "Bob"})
        job = ended(home, add(home, actor_of(home, alice), "adder", {"of": 5, "word": "Jane"}))
        alice.post("/contacts", json={"name": "Bob"})
        (before, first, *others, behind) = home.do(home.crm.database.read(None, entries))
        assert job.op == first[0]
        assert [op for _, op in (before, first, behind)] == [None] * 3
        assert [op for _, op in others] == [job.op] * 4


def test_a_long_job_of_one_workspace_does_not_hold_up_another(tmp_path: Path) -> None:
    seen: list[str] = []
    with working(tmp_path, counting(seen, 60)) as home, home.sign_in(ALICE) as alice, home.sign_in(CHARLIE) as charlie:
        long = [add(home, actor_of(home, alice), "counting", "alice") for _ in range(5)]
        short = add(home, actor_of(home, charlie), "counting", "charlie")
        ended(home, short)
        assert all(found(home, job).ended_at is None for job in long[1:])
        for job in long:
            assert ended(home, job).state == "done"
    begun = seen.index("charlie")
    assert seen[begun : begun + 100].count("charlie") >= 49  # one each in turn


def test_what_a_job_prepares_for_long_holds_up_no_other_job(tmp_path: Path) -> None:
    may_end, begun = threading.Event(), list[str]()

    async def prepare(call: Call, job: Job) -> str:
        begun.append(job.id)
        await asyncio.to_thread(may_end.wait, WAITS)
        return "prepared"

    def step(tx: Tx, job: Job) -> Job:
        return job.ends(job.outcome.value)

    with working(tmp_path, JobKind("slow", step, prepare=prepare)) as home, home.sign_in(ALICE) as alice:
        with home.sign_in(CHARLIE) as charlie:
            actors = [actor_of(home, person) for person in (alice, charlie)]
            slow = add(home, actors[0], "slow")
            try:
                for actor in actors:
                    assert ended(home, add(home, actor, "adder", {"word": "n", "of": 2})).state == jobs.DONE
                assert not found(home, slow).has_ended
            finally:
                may_end.set()
            assert ended(home, slow).result == "prepared"
        assert begun == [slow.id]


def test_jobs_of_one_workspace_take_turns(tmp_path: Path) -> None:
    seen: list[int] = []
    with working(tmp_path, counting(seen)) as home, home.sign_in(ALICE) as alice:
        later = "2026-06-10T09:00:01Z"
        both = [add(home, actor_of(home, alice), "counting", n, later) for n in (1, 2)]
        home.clock.move(seconds=1)
        look(home)
        for job in both:
            ended(home, job)
    assert seen == [1, 2] * 40


@pytest.mark.parametrize("table", ["tokens", "memberships"])
def test_a_job_stops_when_its_token_is_revoked_or_its_membership_ends(tmp_path: Path, table: str) -> None:
    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        actor = actor_of(home, alice)
        job = add(home, actor, "adder", {"of": 10**6, "word": "Jane"})
        until(home, job, lambda job: (job.position or 0) > 3)

        def end(tx: Tx) -> None:
            tx.connection.execute(f"DELETE FROM {table} WHERE user_id = ?", (actor.user_id,))

        home.do(home.crm.database.write(end, actor))
        stopped = ended(home, job)
        assert stopped.state == "stopped"
        assert stopped.error == runner.REVOKED
        time.sleep(0.1)
        assert found(home, job) == stopped


def test_a_job_that_is_asked_to_stop_keeps_what_it_did_and_does_no_more(tmp_path: Path) -> None:
    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        actor = actor_of(home, alice)
        job = add(home, actor, "adder", {"of": 10**6, "word": "Jane"})
        until(home, job, lambda job: (job.position or 0) > 3)
        stopped = home.do(home.crm.database.write(partial(jobs.stop, workspace_id=job.workspace_id, id=job.id), actor))
        assert stopped is not None
        assert stopped.state == "stopped"
        done = alice.json_of("GET", "/whoami")["usage"]["contacts"]["used"]
        assert done == stopped.position
        add(home, actor, "adder", {"of": 1, "word": "Bob"})
        until(home, job, lambda _: "Bob 1" in names(alice))
        assert found(home, job) == stopped


def test_a_problem_ends_a_job_with_its_code_and_sentence_and_nothing_of_the_step_stays(tmp_path: Path) -> None:
    kind = raising(lambda: Problem("plan_limit_reached", "There are too many."), 1)
    with working(tmp_path, kind) as home, home.sign_in(ALICE) as alice:
        job = ended(home, add(home, actor_of(home, alice), "raising", {"of": 9, "word": "Jane"}))
        assert (job.state, job.error) == ("failed", "plan_limit_reached: There are too many.")
        assert names(alice) == []


def test_an_effect_that_fails_after_the_commit_does_not_undo_or_repeat_the_step(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails() -> None:
        raise Problem("mail_failed", "No mail today.")

    def step(tx: Tx, job: Job) -> Job:
        tx.after(fails)
        return ADDER.step(tx, job)

    with working(tmp_path, JobKind("mailing", step)) as home, home.sign_in(ALICE) as alice:
        job = ended(home, add(home, actor_of(home, alice), "mailing", {"of": 3, "word": "Jane"}))
        assert (job.state, job.result, job.error) == ("done", 3, "")
        assert names(alice) == ["Jane 1", "Jane 2", "Jane 3"]
    assert sum("an effect of job" in record.getMessage() for record in caplog.records) == 3


def test_a_job_that_this_version_does_not_know_fails(tmp_path: Path) -> None:
    with working(tmp_path) as home:
        assert ended(home, add(home, None, "unheard of")).error.startswith("server_error: ")


@pytest.mark.parametrize("times", [2, 10**6])
def test_a_bug_is_logged_and_tried_again_with_growing_pauses(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, times: int
) -> None:
    with working(tmp_path, raising(lambda: ZeroDivisionError("a bug"), times)) as home, home.sign_in(ALICE) as alice:
        job = add(home, actor_of(home, alice), "raising", {"of": 9, "word": "Jane"})
        for tried, pause in enumerate(runner.PAUSES[:times], start=1):
            paused = until(home, job, lambda job, tried=tried: job.tries == tried)
            began = home.clock()
            assert paused.state == "running"
            home.clock.move(seconds=pause - 1)
            look(home)
            time.sleep(0.05)
            assert found(home, job).tries == tried
            home.clock.now = began
            home.clock.move(seconds=pause)
            look(home)
        last = ended(home, job)
        if times == 2:
            assert (last.state, last.result, last.tries, last.error) == ("done", 2, 0, "")
            assert names(alice) == ["Jane 1"]
        else:
            assert (last.state, last.error) == ("failed", f"server_error: Our fault; it is logged under {job.id}.")
            assert names(alice) == []
    told = [record for record in caplog.records if job.id in record.getMessage()]
    assert len(told) == min(times, len(runner.PAUSES) + 1)
    assert all(record.exc_info for record in told)


@pytest.mark.sqlite
def test_a_full_disk_is_waited_for_and_not_counted(tmp_path: Path) -> None:
    room = threading.Event()

    def step(tx: Tx, job: Job) -> Job:
        execute = tx.connection.execute
        if room.is_set():
            return job.ends()
        (pages,) = execute("PRAGMA page_count").fetchone()
        execute(f"PRAGMA max_page_count = {pages + 2}")
        try:
            execute("INSERT INTO deleted (workspace_id, id, at) VALUES ('', '', zeroblob(4000000) || '')")
        finally:
            execute("PRAGMA max_page_count = 1073741823")
        raise AssertionError("there was room")

    with working(tmp_path, JobKind("filler", step)) as home:
        job = add(home, None, "filler")
        for _ in range(len(runner.PAUSES) + 2):
            paused = until(home, job, lambda job: job.state == "running" and (job.due_at or "") > home.crm.now)
            assert (paused.tries, paused.error) == (0, "")
            home.clock.move(seconds=runner.WAIT_SECONDS)
            look(home)
        room.set()
        until(home, job, lambda job: (job.due_at or "") > home.crm.now or job.ended_at is not None)
        home.clock.move(seconds=runner.WAIT_SECONDS)
        look(home)
        assert ended(home, job).state == "done"


@pytest.mark.parametrize("days", [-5, 5])
def test_a_clock_that_is_set_to_and_fro_holds_no_job_up(tmp_path: Path, days: int) -> None:
    with working(tmp_path, raising(lambda: ZeroDivisionError("a bug"), 1)) as home, home.sign_in(ALICE) as alice:
        actor = actor_of(home, alice)
        long = add(home, actor, "adder", {"of": 100, "word": "Jane"})
        paused = add(home, actor, "raising", {"of": 9, "word": "Bob"})
        until(home, paused, lambda job: job.tries == 1)
        home.clock.move(days=days)
        ended(home, long)
        home.clock.move(days=-days)
        look(home)
        home.clock.move(seconds=1)
        look(home)
        assert ended(home, paused).state == "done"
        assert len(names(alice)) == 101


def test_a_job_waits_for_its_time(tmp_path: Path) -> None:
    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        actor = actor_of(home, alice)
        job = add(home, actor, "adder", {"of": 1, "word": "Late"}, "2026-06-10T10:00:00Z")
        ended(home, add(home, actor, "adder", {"of": 1, "word": "Early"}))
        assert found(home, job) == job
        home.clock.move(hours=1)
        look(home)
        assert ended(home, job).state == "done"


def test_a_time_that_comes_is_noticed_without_a_commit(tmp_path: Path) -> None:
    with house(tmp_path / "data", UNLIMITED, jobs=JobKinds(ADDER)) as home, home.sign_in(ALICE) as alice:
        job = add(home, actor_of(home, alice), "adder", {"of": 1, "word": "Soon"}, "2026-06-10T09:00:01Z")
        home.clock.move(seconds=1)  # before the runner's second is over
        assert ended(home, job).state == "done"


def test_an_idle_queue_costs_requests_no_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    due = jobs.due

    def counted(connection: Any, now: str) -> Any:
        looked.append(now)
        return due(connection, now)

    monkeypatch.setattr(jobs, "due", counted)
    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        ended(home, add(home, None, "unheard of"))
        before = len(looked)
        for number in range(20):
            assert alice.post("/contacts", json={"name": f"Jane {number}"}).status_code == 201
            assert alice.get("/contacts").status_code == 200
        assert len(looked) <= before + 2  # the end of the job, and that it was added, were still to be noticed
        ended(home, add(home, actor_of(home, alice), "adder", {"of": 1, "word": "Jane"}))
        assert len(looked) > before


def test_two_kinds_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        JobKinds(ADDER, ADDER)


def test_jobs_that_ended_are_swept_after_a_week(tmp_path: Path) -> None:
    with working(tmp_path) as home, home.sign_in(ALICE) as alice:
        job = ended(home, add(home, actor_of(home, alice), "adder", {"of": 1, "word": "Jane"}))
        later = add(home, actor_of(home, alice), "adder", {"of": 1, "word": "Jane"}, "2026-06-12T09:00:00Z")
        home.clock.move(days=2)
        look(home)
        ended(home, later)
        home.clock.move(days=5, seconds=1)
        home.do(home.crm.database.write(lambda tx: None, lanes=ANYWHERE))  # which wakes upkeep
        deadline = time.monotonic() + WAITS
        while home.do(home.crm.database.read(None, jobs.find, job.workspace_id, job.id)) is not None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert found(home, later).state == "done"
