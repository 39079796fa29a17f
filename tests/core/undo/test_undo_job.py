"""An operation of more than a thousand entries is taken back by a job: looked at as a whole, then written in steps."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from crmkit.core import derived
from crmkit.core.call import Call
from crmkit.core.jobs.kind import Result
from crmkit.core.undo import job as undoing
from crmkit.core.undo import undo as verb
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.jobs import Job
from crmkit.storage.log import audit
from tests.core.jobs.kinds import actor_of
from tests.core.records.log import entries, live, newest_operation
from tests.core.undo.contents import all_rows, newest
from tests.house import House, Person
from tests.kinds import CONTACT, REGISTRY
from tests.storage.desk import Desk, desk

MANY = verb.MOST + 100


@pytest.fixture
def back(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path / "desk") as opened:
        yield opened


def many(back: Desk, actor: Actor, number: int = MANY) -> list[Any]:
    """Return contacts that one operation made."""
    bodies = [{"name": f"Jane {n}", "email": f"jane{n}@acme.com"} for n in range(number)]
    made: list[Any] = back.save_all(actor, bodies)
    return made


class Steps:
    """A job, step by step."""

    def __init__(self, back: Desk, actor: Actor, operation: str, caps: dict[str, int] | None = None) -> None:
        self._back, self._actor = back, actor
        first = audit.first_entry(Workspace.of(actor), operation)
        size = sum(1 for entry in entries(back, actor) if first in (entry.seq, entry.op))
        asked = undoing.Input(operation, first, size, caps or {})
        self.job: Job = back.do(Call(back.crm, actor).write(lambda tx: undoing.add(tx, asked)))

    def step(self) -> None:
        place = self._actor.workspace_id

        def unit(tx: Tx) -> Job:
            if self.job.op is not None:
                tx.operations[place] = self.job.op
            return structs.replace(undoing.JOB.stepped(self._back.crm, tx, self.job), op=tx.operations.get(place))

        self.job = self._back.do(Call(self._back.crm, self._actor).write(unit))

    def look(self) -> None:
        while not self.job.position["is_writing"]:
            self.step()

    def end(self) -> Result:
        while not self.job.has_ended:
            self.step()
        assert isinstance(self.job.result, Result)
        return self.job.result


def test_a_thousand_records_and_more_are_taken_back_and_done_again(home: House, alice: Person) -> None:
    unit_bodies = [{"name": f"Jane {n}", "custom": {"n": n}} for n in range(MANY)]

    def unit(tx: Tx) -> list[Any]:
        return [records.put(tx, CONTACT, None, CONTACT.new(CONTACT.draft(body))) for body in unit_bodies]

    actor = actor_of(home, alice)
    made = home.do(Call(home.crm, actor).write(unit))
    operation = newest(home, alice)
    answer = alice.json_of("POST", f"/undo/{operation}")
    assert answer["message"] == f"undone {operation} ({MANY} records)"
    assert answer["count"] == MANY
    assert alice.json_of("GET", "/contacts")["total"] == 0
    again = alice.post(f"/undo/{answer['operation']}")
    assert (again.status_code, again.text.splitlines()[0]) == (200, f"OK undone {answer['operation']} ({MANY} records)")
    assert alice.json_of("GET", f"/contacts/{made[7].id}")["custom"] == {"n": 7}
    assert alice.json_of("GET", "/contacts?count=exact")["total"] == MANY


def test_what_stands_against_it_is_found_before_anything_is_written(home: House, alice: Person) -> None:
    company = alice.json_of("POST", "/companies", {"name": "Acme"})["id"]
    for n in range(3):
        alice.post("/contacts", json={"name": f"Kept {n}"})

    def unit(tx: Tx) -> list[Any]:
        names = [f"Joe {n}" for n in range(MANY)]
        return [records.put(tx, CONTACT, None, CONTACT.new({"name": name})) for name in names]

    actor = actor_of(home, alice)
    made = home.do(Call(home.crm, actor).write(unit))
    operation = newest(home, alice)
    alice.patch(f"/contacts/{made[5].id}", json={"name": "Other", "company_id": company})
    before = alice.json_of("GET", "/contacts?count=exact")["total"]
    answer = alice.json_of("POST", f"/undo/{operation}")
    assert answer["error"] == "undo_conflict"
    wrong = {
        f"contact/{made[5].id}.name": 'is Other now; the operation wrote "Joe 5"',
        f"contact/{made[5].id}.company_id": f"is {company} now; the operation wrote nothing",
    }
    assert answer["fields"] == wrong
    assert alice.send_it("POST", f"/undo/{operation}").text.splitlines()[:2] == [
        "ERROR undo_conflict",
        f"FIELD contact/{made[5].id}.name  {wrong[f'contact/{made[5].id}.name']}",
    ]
    assert alice.json_of("GET", f"/jobs/{answer['job']}")["fields"] == wrong
    line = alice.send_it("GET", f"/jobs/{answer['job']}").text.splitlines()[0]
    assert "  error=undo_conflict  hint=" in line
    assert f'  field."contact/{made[5].id}".name=' in line
    assert alice.json_of("GET", "/contacts?count=exact")["total"] == before


def test_what_changed_since_the_look_is_left_whole_and_told(back: Desk) -> None:
    alice = back.person()
    made = many(back, alice, 300)
    operation = newest_operation(back, alice)
    steps = Steps(back, alice, operation)
    steps.look()
    back.change(alice, made[4], email="other@acme.com")
    back.remove(alice, made[9])
    deal = back.make(
        alice, next(kind for kind in REGISTRY.records if kind.name == "deal"), title="x", contact_id=made[20].id
    )
    result = steps.end()
    left = [made[20].handle, made[9].handle, made[4].handle]
    assert result.message == f"undone {operation} (297 records)"
    assert result.facts == {"count": 297, "left": left}
    assert result.notes == (f"left as they are, since they changed meanwhile: {', '.join(left)}",)
    assert set(live(back, alice)) == {made[4].handle, made[20].handle, deal.handle}
    written = {entry.op or entry.seq for entry in entries(back, alice) if entry.action == "contact.delete"}
    assert len(written) == 2  # one operation, and that of the delete meanwhile


def test_earlier_entries_of_a_record_that_was_left_are_left_too(back: Desk) -> None:
    alice = back.person()
    jane, joe = (back.save(alice, name=name) for name in ("Jane", "Joe"))

    def unit(tx: Tx) -> None:
        for value in ("lead", "customer"):
            for one in (jane, joe):
                before = records.fetch(tx.connection, CONTACT, alice.workspace_id, one.id)
                assert before is not None
                changed = {"stage": value, **({"notes": "x"} if value == "lead" else {})}
                derived.put_and_follow(tx, REGISTRY, CONTACT, before, structs.replace(before, **changed))

    back.do(Call(back.crm, alice).write(unit))
    steps = Steps(back, alice, newest_operation(back, alice))
    steps.look()
    back.change(alice, jane, stage="gone")
    assert steps.end().facts == {"count": 1, "left": [jane.handle]}
    assert back.fetch(alice, jane).notes == "x"
    assert (back.fetch(alice, joe).stage, back.fetch(alice, joe).notes) == (None, None)


def test_of_two_jobs_for_one_operation_the_second_changes_nothing(back: Desk) -> None:
    alice = back.person()
    many(back, alice, 60)
    operation = newest_operation(back, alice)
    first, second = (Steps(back, alice, operation) for _ in range(2))
    second.look()
    first.look()
    first.step()
    before = all_rows(back)
    with pytest.raises(Problem) as raised:
        second.step()
    assert raised.value.code == "undo_conflict"
    assert "was undone by op_" in raised.value.hint
    assert all_rows(back) == before
    first.end()
    assert live(back, alice) == {}


def test_a_cap_is_looked_at_before_anything_is_written(back: Desk) -> None:
    alice = back.person()
    many(back, alice, 60)
    steps = Steps(back, alice, newest_operation(back, alice))
    steps.look()
    steps.end()
    undo = newest_operation(back, alice)
    again = Steps(back, alice, undo, {"contacts": 59})
    with pytest.raises(Problem) as raised:
        again.look()
    assert (raised.value.code, raised.value.facts["used"]) == ("plan_limit_reached", 0)
    met = Steps(back, alice, undo, {"contacts": 60})
    met.look()
    other = back.save(alice, name="Meanwhile")
    result = met.end()
    assert result.facts["count"] == 59
    assert len(result.facts["left"]) == 1
    assert len(live(back, alice)) == 60
    assert other.handle in live(back, alice)
