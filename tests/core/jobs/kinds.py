"""Kinds of jobs that the tests need, and how a test adds one and waits for it."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from crmkit.core.jobs.kind import JobKind
from crmkit.model.actor import Actor
from crmkit.storage import jobs, records
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job
from crmkit.storage.people import tokens
from tests.house import House, Person
from tests.kinds import CONTACT

WAITS = 20  # seconds until a test gives up


def add_contact(tx: Tx, job: Job) -> Job:
    """Add one of `of` contacts."""
    done = (job.position or 0) + 1
    records.put(tx, CONTACT, None, CONTACT.new(CONTACT.draft({"name": f"{job.input['word']} {done}"})))
    return job.goes_on(done) if done < job.input["of"] else job.ends(done)


ADDER = JobKind("adder", add_contact)


def actor_of(home: House, person: Person) -> Actor:
    """Return the actor behind a person's token."""
    use = home.do(home.crm.database.read(None, tokens.find, sha256(person.token)))
    assert use is not None
    return use.actor


def add(home: House, actor: Actor | None, kind: str, input: Any = None, due_at: str = "") -> Job:
    """Return a new job of an actor, or of the system."""
    unit = partial(jobs.add, kind=kind, input=input, due_at=due_at)
    return home.do(home.crm.database.write(unit, actor, None if actor else ANYWHERE))


def found(home: House, job: Job) -> Job:
    """Return the job as it is now."""
    now = home.do(home.crm.database.read(None, jobs.find, job.workspace_id, job.id))
    assert now is not None
    return now


def ended(home: House, job: Job) -> Job:
    """Return the job once it has ended."""
    return until(home, job, lambda now: now.ended_at is not None)


def until(home: House, job: Job, met: Callable[[Job], bool]) -> Job:
    """Return the job once it meets the condition."""
    deadline = time.monotonic() + WAITS
    while not met(now := found(home, job)):
        assert time.monotonic() < deadline, now
        time.sleep(0.01)
    return now


def look(home: House) -> None:
    """Have the runner look what is due, as it does at least once a minute."""
    home.do(home.crm.database.write(lambda tx: tx.tell(jobs.TOPIC), lanes=ANYWHERE, silent=True))
