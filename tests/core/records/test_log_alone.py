"""Random writes: every live record is as the log alone tells it, and derived fields are as recomputed."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.records import activities, memberships
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.record import Followed, Kind
from tests.core.records.log import (
    derived_of,
    entries,
    live,
    logged,
    newest_operation,
    recomputed,
    replayed,
    tables,
    undo,
)
from tests.house import BOB
from tests.kinds import ACTIVITY, CONTACT, CONVERSION, KINDS, REGISTRY
from tests.storage.desk import Desk, desk
from tests.storage.samples import TIMES, agreeing, body


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("shared") / "data") as opened:
        yield opened


PEOPLE = (f"p{number}@example.com" for number in range(10**6))


@pytest.mark.slow
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 40))
def test_live_records_are_known_from_the_log_alone(shared: Desk, seed: int, steps: int) -> None:
    """Whatever was created, merged, changed, linked, deleted and taken back, the log tells every field and version."""
    actor, choice = shared.person(next(PEOPLE)), random.Random(seed)
    for _ in range(steps):
        shared.clock.move(seconds=choice.choice([0, 1, 90]))
        step(shared, actor, choice)
    found = live(shared, actor)
    assert replayed(entries(shared, actor)) == {handle: logged(record) for handle, record in found.items()}
    shared.pass_time()
    found = live(shared, actor)
    assert derived_of(found) == recomputed(found, shared.crm.now)
    counts = tables(shared, actor)["counts"]
    for kind in (*REGISTRY.related, ACTIVITY):
        assert counts.get(kind.plural, {}).get("live", 0) == sum(isinstance(r, kind.record) for r in found.values())


STEPS = (
    *("create", "create", "change", "change", "log", "log", "log", "amend", "amend", "pass time"),
    *("remove", "remove activity", "join", "join", "leave", "merge", "merge", "undo"),
)


def step(back: Desk, actor: Actor, choice: random.Random) -> None:
    """Do something that may be done to what there is."""
    there = list(live(back, actor).values())
    joined = [record for record in there if isinstance(record, REGISTRY.membership.record)]
    made = [record for record in there if not isinstance(record, (ACTIVITY.record, REGISTRY.membership.record))]
    logged = [record for record in there if isinstance(record, ACTIVITY.record)]
    kind = choice.choice(KINDS)
    what = choice.choice(STEPS)
    try:
        if what == "create" or not made:
            kind = kind if kind is not CONVERSION or of_kinds(made, "c") else CONTACT
            back.make(actor, kind, **sent(kind, made, choice))
        elif what == "change":
            record = choice.choice(made)
            kind = next(kind for kind in KINDS if isinstance(record, kind.record))
            back.change(actor, record, **sent(kind, made, choice))
        elif what == "log":
            on = [record for record in made if isinstance(record, Followed)] or [back.make(actor, CONTACT, name="x")]
            back.log(actor, choice.choice(on), body="hello", **activity(back, choice))
        elif what == "amend" and logged:
            back.amend(actor, choice.choice(logged), **activity(back, choice))
        elif what == "pass time":
            back.pass_time(minutes=choice.choice([1, 100]))
        elif what == "join":
            campaigns, members = of_kinds(made, "ca"), of_kinds(made, "c", "co")
            if campaigns and members:
                reason = choice.choice([{}, {"reason": "wool"}, {"reason": None}])
                body = {"id": choice.choice(members).id, **reason}
                back.do(memberships.add(Call(back.crm, actor), choice.choice(campaigns).id, body))
        elif what == "leave" and joined:
            one = choice.choice(joined)
            _, member = REGISTRY.member_of(one)
            back.do(memberships.remove(Call(back.crm, actor), one.campaign_id, member))
        elif what == "remove":
            back.remove(actor, choice.choice(made))
        elif what == "remove activity" and logged:
            back.do(activities.remove(Call(back.crm, actor), choice.choice(logged).id))
        elif what == "merge":
            among = of_kinds(made, choice.choice(["c", "co"]))
            if len(among) > 1:
                back.merge(actor, *choice.sample(among, 2))
        elif what == "undo":
            undo(back, actor, newest_operation(back, actor))
    except Problem as problem:
        assert problem.code in ("already_exists", "missing_field", "undo_conflict")  # a task that repeats needs due_at


def activity(back: Desk, choice: random.Random) -> dict[str, Any]:
    """Return what an activity is sent with, which may be dated ahead."""
    ahead = after(back.crm.now, minutes=choice.choice([1, 50, 1000]))
    drawn = {
        "kind": choice.choice(["call", "email", "meeting", "note", "task"]),
        "occurred_at": choice.choice([*TIMES, ahead]),
        "on_behalf_of": choice.choice([None, "me", BOB]),
    }
    return {name: value for name, value in drawn.items() if choice.random() < 0.7}


def of_kinds(made: list[Any], *prefixes: str) -> list[Any]:
    return [record for record in made if record.id.partition("_")[0] in prefixes]


def sent(kind: Kind, made: list[Any], choice: random.Random) -> dict[str, Any]:
    """Return a body with some of the fields of a kind, those it needs always, and links to records there are."""
    found = body(kind, choice.randrange(4), choice)
    found = {name: value for name, value in found.items() if kind.by_name[name].required or choice.random() < 0.5}
    found = agreeing(found)
    found.pop("ends_on", None)  # it may be before starts_on
    for name, field in kind.writable.items():
        prefix = getattr(field.type, "prefix", "")
        others = [record.id for record in made if record.id.startswith(f"{prefix}_")]
        if prefix and (field.required or choice.random() < 0.7):
            found[name] = choice.choice([*([] if field.required else [None]), *others])
    return found
