"""What a random history does: each act is one request that may be made of what there is, or None where there is none.

Another act is a function more in ACTS.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.configuration import pipelines
from crmkit.core.duplicates import dismissing
from crmkit.core.many import batch as batches
from crmkit.core.records import activities, memberships, write
from crmkit.model.actor import Actor
from crmkit.model.record import Followed, Kind
from tests.core.records.log import live
from tests.core.undo.acts_of_many import change_all
from tests.house import BOB
from tests.kinds import ACTIVITY, CAMPAIGN, COMPANY, CONTACT, CONVERSION, DEAL, KINDS, MEMBERSHIP, REGISTRY, TASK
from tests.storage.desk import Desk, kind_of
from tests.storage.samples import TIMES, agreeing, body


@dataclass
class Scene:
    """Who acts, and what there is; `choice` draws."""

    back: Desk
    actor: Actor
    choice: random.Random
    there: list[Any]

    def of(self, *kinds: Kind) -> list[Any]:
        return [record for record in self.there if any(isinstance(record, kind.record) for kind in kinds)]

    def one(self, *kinds: Kind) -> Any:
        found = self.of(*kinds)
        return self.choice.choice(found) if found else None

    @property
    def call(self) -> Call:
        return Call(self.back.crm, self.actor)


Act = Callable[[Scene], Any]


def act(back: Desk, actor: Actor, choice: random.Random) -> None:
    """Do something that may be done."""
    choice.choice(ACTS)(Scene(back, actor, choice, list(live(back, actor).values())))


def create(scene: Scene) -> Any:
    kind = scene.choice.choice(KINDS)
    if kind is CONVERSION and not scene.of(CONTACT):
        kind = CONTACT
    return scene.back.make(scene.actor, kind, **sent(scene, kind))


def create_with_parts(scene: Scene) -> Any:
    parts: dict[str, Any] = {
        "company": {"name": "Acme", "domain": scene.choice.choice(["acme.com", "kelason.example"])},
        "activities": [{"body": "hi", **activity(scene)} for _ in range(scene.choice.randrange(3))],
    }
    given = {name: part for name, part in parts.items() if part and scene.choice.random() < 0.8}
    values = {
        name: value for name, value in sent(scene, CONTACT).items() if name != "company_id" or "company" not in given
    }
    campaign = scene.one(CAMPAIGN)
    joined = {"campaign_id": campaign.id} if campaign is not None and scene.choice.random() < 0.5 else {}
    return scene.back.save(scene.actor, **values, **given, **joined)


def merge_by_email(scene: Scene) -> Any:
    emails = [contact.email for contact in scene.of(CONTACT) if contact.email]
    if emails:
        values = {**sent(scene, CONTACT), "email": scene.choice.choice(emails)}
        scene.back.save(scene.actor, **values)


def change(scene: Scene) -> Any:
    record = scene.one(*KINDS)
    if record is not None:
        scene.back.change(scene.actor, record, **sent(scene, kind_of(record)))


def tag(scene: Scene) -> Any:
    record = scene.one(CONTACT, COMPANY)
    if record is not None:
        steps = {"add": ["new"], "remove": scene.choice.choice([["vip"], ["a", "b"], []])}
        scene.back.change(scene.actor, record, tags=steps)


def set_keys(scene: Scene) -> Any:
    record = scene.one(*(kind for kind in KINDS if kind.custom))
    if record is not None:
        key = scene.choice.choice(["n", "a", "b"])
        scene.back.change(scene.actor, record, custom={key: scene.choice.choice([None, 1, 2.5])})


def log(scene: Scene) -> Any:
    on = [record for record in scene.there if isinstance(record, Followed)]
    if on:
        scene.back.log(scene.actor, scene.choice.choice(on), body="hello", **activity(scene))


def amend(scene: Scene) -> Any:
    record = scene.one(ACTIVITY)
    if record is not None:
        scene.back.amend(scene.actor, record, **activity(scene))


def remove(scene: Scene) -> Any:
    record = scene.one(*KINDS)
    if record is not None:
        scene.back.remove(scene.actor, record)


def remove_activity(scene: Scene) -> Any:
    record = scene.one(ACTIVITY)
    if record is not None:
        scene.back.do(activities.remove(scene.call, record.id))


def join(scene: Scene) -> Any:
    campaign, member = scene.one(CAMPAIGN), scene.one(CONTACT, COMPANY)
    if campaign is not None and member is not None:
        reason = scene.choice.choice([{}, {"reason": "wool"}, {"reason": None}])
        scene.back.do(memberships.add(scene.call, campaign.id, {"id": member.id, **reason}))


def leave(scene: Scene) -> Any:
    joined = scene.one(MEMBERSHIP)
    if joined is not None:
        _, member = REGISTRY.member_of(joined)
        scene.back.do(memberships.remove(scene.call, joined.campaign_id, member))


def repeat_task(scene: Scene) -> Any:
    record = scene.one(CONTACT)
    linked = {} if record is None else {"contact_id": record.id}
    return scene.back.make(scene.actor, TASK, title="Again", due_at="2026-06-10", repeat="daily", **linked)


def finish_task(scene: Scene) -> Any:
    open_ = [task for task in scene.of(TASK) if not task.done]
    if open_:
        scene.back.change(scene.actor, scene.choice.choice(open_), done=True)


def end_series(scene: Scene) -> Any:
    tasks = [task for task in scene.of(TASK) if task.repeat]
    if tasks:
        body = scene.choice.choice([{"repeat": None}, {"repeat": "weekly"}, {"due_at": "2026-07-01"}])
        scene.back.change(scene.actor, scene.choice.choice(tasks), **body)


def clear(scene: Scene) -> Any:
    """Empty a field, also one that others go together with."""
    record = scene.one(*KINDS)
    if record is not None:
        filled = [name for name in kind_of(record).writable if getattr(record, name, None) is not None]
        scene.back.change(scene.actor, record, **{scene.choice.choice(filled): None})


def name_by_parts(scene: Scene) -> Any:
    contact = scene.one(CONTACT)
    if contact is not None:
        parts = {"name": [None, "Boss"], "first_name": [None, "Jane", "Joan"], "last_name": [None, "Doe"]}
        body = {name: scene.choice.choice(each) for name, each in parts.items() if scene.choice.random() < 0.5}
        scene.back.change(scene.actor, contact, **body)


def move_period(scene: Scene) -> Any:
    campaign = scene.one(CAMPAIGN)
    if campaign is not None:
        name = scene.choice.choice(["starts_on", "ends_on"])
        scene.back.change(scene.actor, campaign, **{name: scene.choice.choice([None, "2026-06-30", "2026-07-01"])})


def price(scene: Scene) -> Any:
    contact = scene.one(CONTACT)
    if contact is not None:
        drawn = {"estimated_cents": [None, 100], "actual_cents": [None, 200], "currency": [None, "USD"]}
        body = {name: scene.choice.choice(each) for name, each in drawn.items() if scene.choice.random() < 0.5}
        scene.back.change(scene.actor, contact, **body)


def close_deal(scene: Scene) -> Any:
    deal = scene.one(DEAL)
    if deal is not None:
        scene.back.change(scene.actor, deal, status=scene.choice.choice(["won", "lost", "open"]))


def convert(scene: Scene) -> Any:
    contact = scene.one(CONTACT)
    if contact is not None:
        scene.back.change(scene.actor, contact, ad_platform="meta", stage=scene.choice.choice(["won", "lead"]))


def put_pipeline(scene: Scene) -> Any:
    stages = [{"name": "lead"}, {"name": scene.choice.choice(["won", "sold"]), "means": "won"}]
    scene.back.do(pipelines.put(scene.call, DEAL, {"stages": stages}))


def merge(scene: Scene) -> Any:
    kind = scene.choice.choice([kind for kind in KINDS if kind.is_mergeable])
    found = scene.of(kind)
    if len(found) > 1:
        scene.back.merge(scene.actor, *scene.choice.sample(found, 2))


def batch(scene: Scene) -> Any:
    kind = scene.choice.choice([CONTACT, COMPANY, DEAL, TASK])
    items = [sent(scene, kind) for _ in range(4)]
    is_atomic, merges_alike = (scene.choice.random() < 0.3 for _ in range(2))
    scene.back.do(batches.save(scene.call, kind, items, is_atomic, merges_alike and kind.merges_alike))


def merge_alike(scene: Scene) -> Any:
    values = {"name": scene.choice.choice(["Jane Doe", "Jane M. Doe"]), "phone": "+49 30 1234567", "city": "Oslo"}
    email = {"email": scene.choice.choice(["jane@acme.com", "joan@acme.com"])} if scene.choice.random() < 0.4 else {}
    merges_alike = scene.choice.random() < 0.5
    scene.back.do(write.save(scene.call, CONTACT, {**values, **email}, merges_alike))


def dismiss(scene: Scene) -> Any:
    found = scene.of(scene.choice.choice(REGISTRY.alike))
    if len(found) > 1:
        one, other = scene.choice.sample(found, 2)
        scene.back.do(dismissing.dismiss(scene.call, {"a": one.id, "b": other.id}))


def change_by_filter(scene: Scene) -> Any:
    some, kind = several(scene, CONTACT, COMPANY, DEAL, TASK)
    if kind is not None:
        body = {name: value for name, value in sent(scene, kind).items() if name not in kind.merges_by}
        body = body or {kind.title.name: scene.choice.choice(["Jane Doe", "Acme"])}
        change_all(scene.back, scene.actor, some, kind, body, by_job=scene.choice.random() < 0.6)


def delete_by_filter(scene: Scene) -> Any:
    some, kind = several(scene, *KINDS)
    if kind is not None:
        change_all(scene.back, scene.actor, some[:3], kind, None, by_job=scene.choice.random() < 0.6)


def several(scene: Scene, *kinds: Kind) -> tuple[list[Any], Kind | None]:
    """Return some records of one of these kinds, and which it is."""
    record = scene.one(*kinds)
    if record is None:
        return [], None
    found = scene.of(kind_of(record))
    return scene.choice.sample(found, scene.choice.randrange(len(found)) + 1), kind_of(record)


ACTS: tuple[Act, ...] = (
    *(
        merge,
        merge,
        batch,
        batch,
        merge_alike,
        merge_alike,
        dismiss,
        change_by_filter,
        change_by_filter,
        delete_by_filter,
    ),
    *(create, create, create_with_parts, merge_by_email, change, change, tag, set_keys, log, log, amend),
    *(remove, remove, remove_activity, join, join, leave, repeat_task, finish_task, close_deal, convert, put_pipeline),
    *(end_series, clear, clear, name_by_parts, name_by_parts, move_period, price),
)


def activity(scene: Scene) -> dict[str, Any]:
    """Return what an activity is sent with, which may be dated ahead."""
    choice = scene.choice
    drawn = {
        "kind": choice.choice(["call", "email", "meeting", "note", "task"]),
        "occurred_at": choice.choice([*TIMES, after(scene.back.crm.now, minutes=10_000)]),
        "on_behalf_of": choice.choice([None, "me", BOB]),
    }
    return {name: value for name, value in drawn.items() if choice.random() < 0.7}


def sent(scene: Scene, kind: Kind) -> dict[str, Any]:
    """Return a body with some of the fields of a kind, those it needs always, and links to records there are."""
    choice = scene.choice
    found = body(kind, choice.randrange(4), choice)
    found = {name: value for name, value in found.items() if kind.by_name[name].required or choice.random() < 0.5}
    found = agreeing(found)
    found.pop("ends_on", None)  # it may be before starts_on
    for name, field in kind.writable.items():
        prefix = getattr(field.type, "prefix", "")
        others = [record.id for record in scene.there if record.id.startswith(f"{prefix}_")]
        if prefix and (field.required or choice.random() < 0.7):
            found[name] = choice.choice([*([] if field.required else [None]), *others])
    return found
