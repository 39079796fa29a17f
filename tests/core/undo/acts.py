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
class UndoContext:
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


Act = Callable[[UndoContext], Any]


def act(back: Desk, actor: Actor, choice: random.Random) -> None:
    """Do something that may be done."""
    choice.choice(ACTS)(UndoContext(back, actor, choice, list(live(back, actor).values())))


def create(context: UndoContext) -> Any:
    kind = context.choice.choice(KINDS)
    if kind is CONVERSION and not context.of(CONTACT):
        kind = CONTACT
    return context.back.make(context.actor, kind, **sent(context, kind))


def create_with_parts(context: UndoContext) -> Any:
    parts: dict[str, Any] = {
        "company": {"name": "Acme", "domain": context.choice.choice(["acme.com", "kelason.example"])},
        "activities": [{"body": "hi", **activity(context)} for _ in range(context.choice.randrange(3))],
    }
    given = {name: part for name, part in parts.items() if part and context.choice.random() < 0.8}
    values = {
        name: value for name, value in sent(context, CONTACT).items() if name != "company_id" or "company" not in given
    }
    campaign = context.one(CAMPAIGN)
    joined = {"campaign_id": campaign.id} if campaign is not None and context.choice.random() < 0.5 else {}
    return context.back.save(context.actor, **values, **given, **joined)


def merge_by_email(context: UndoContext) -> Any:
    emails = [contact.email for contact in context.of(CONTACT) if contact.email]
    if emails:
        values = {**sent(context, CONTACT), "email": context.choice.choice(emails)}
        context.back.save(context.actor, **values)


def change(context: UndoContext) -> Any:
    record = context.one(*KINDS)
    if record is not None:
        context.back.change(context.actor, record, **sent(context, kind_of(record)))


def tag(context: UndoContext) -> Any:
    record = context.one(CONTACT, COMPANY)
    if record is not None:
        steps = {"add": ["new"], "remove": context.choice.choice([["vip"], ["a", "b"], []])}
        context.back.change(context.actor, record, tags=steps)


def set_keys(context: UndoContext) -> Any:
    record = context.one(*(kind for kind in KINDS if kind.custom))
    if record is not None:
        key = context.choice.choice(["n", "a", "b"])
        context.back.change(context.actor, record, custom={key: context.choice.choice([None, 1, 2.5])})


def log(context: UndoContext) -> Any:
    on = [record for record in context.there if isinstance(record, Followed)]
    if on:
        context.back.log(context.actor, context.choice.choice(on), body="hello", **activity(context))


def amend(context: UndoContext) -> Any:
    record = context.one(ACTIVITY)
    if record is not None:
        context.back.amend(context.actor, record, **activity(context))


def remove(context: UndoContext) -> Any:
    record = context.one(*KINDS)
    if record is not None:
        context.back.remove(context.actor, record)


def remove_activity(context: UndoContext) -> Any:
    record = context.one(ACTIVITY)
    if record is not None:
        context.back.do(activities.remove(context.call, record.id))


def join(context: UndoContext) -> Any:
    campaign, member = context.one(CAMPAIGN), context.one(CONTACT, COMPANY)
    if campaign is not None and member is not None:
        reason = context.choice.choice([{}, {"reason": "wool"}, {"reason": None}])
        context.back.do(memberships.add(context.call, campaign.id, {"id": member.id, **reason}))


def leave(context: UndoContext) -> Any:
    joined = context.one(MEMBERSHIP)
    if joined is not None:
        _, member = REGISTRY.member_of(joined)
        context.back.do(memberships.remove(context.call, joined.campaign_id, member))


def repeat_task(context: UndoContext) -> Any:
    record = context.one(CONTACT)
    linked = {} if record is None else {"contact_id": record.id}
    return context.back.make(context.actor, TASK, title="Again", due_at="2026-06-10", repeat="daily", **linked)


def finish_task(context: UndoContext) -> Any:
    open_ = [task for task in context.of(TASK) if not task.done]
    if open_:
        context.back.change(context.actor, context.choice.choice(open_), done=True)


def end_series(context: UndoContext) -> Any:
    tasks = [task for task in context.of(TASK) if task.repeat]
    if tasks:
        body = context.choice.choice([{"repeat": None}, {"repeat": "weekly"}, {"due_at": "2026-07-01"}])
        context.back.change(context.actor, context.choice.choice(tasks), **body)


def clear(context: UndoContext) -> Any:
    """Empty a field, also one that others go together with."""
    record = context.one(*KINDS)
    if record is not None:
        filled = [name for name in kind_of(record).writable if getattr(record, name, None) is not None]
        context.back.change(context.actor, record, **{context.choice.choice(filled): None})


def name_by_parts(context: UndoContext) -> Any:
    contact = context.one(CONTACT)
    if contact is not None:
        parts = {"name": [None, "Boss"], "first_name": [None, "Jane", "Joan"], "last_name": [None, "Doe"]}
        body = {name: context.choice.choice(each) for name, each in parts.items() if context.choice.random() < 0.5}
        context.back.change(context.actor, contact, **body)


def move_period(context: UndoContext) -> Any:
    campaign = context.one(CAMPAIGN)
    if campaign is not None:
        name = context.choice.choice(["starts_on", "ends_on"])
        context.back.change(
            context.actor, campaign, **{name: context.choice.choice([None, "2026-06-30", "2026-07-01"])}
        )


def price(context: UndoContext) -> Any:
    contact = context.one(CONTACT)
    if contact is not None:
        drawn = {"estimated_cents": [None, 100], "actual_cents": [None, 200], "currency": [None, "USD"]}
        body = {name: context.choice.choice(each) for name, each in drawn.items() if context.choice.random() < 0.5}
        context.back.change(context.actor, contact, **body)


def close_deal(context: UndoContext) -> Any:
    deal = context.one(DEAL)
    if deal is not None:
        context.back.change(context.actor, deal, status=context.choice.choice(["won", "lost", "open"]))


def convert(context: UndoContext) -> Any:
    contact = context.one(CONTACT)
    if contact is not None:
        context.back.change(context.actor, contact, ad_platform="meta", stage=context.choice.choice(["won", "lead"]))


def put_pipeline(context: UndoContext) -> Any:
    stages = [{"name": "lead"}, {"name": context.choice.choice(["won", "sold"]), "means": "won"}]
    context.back.do(pipelines.put(context.call, DEAL, {"stages": stages}))


def merge(context: UndoContext) -> Any:
    kind = context.choice.choice([kind for kind in KINDS if kind.is_mergeable])
    found = context.of(kind)
    if len(found) > 1:
        context.back.merge(context.actor, *context.choice.sample(found, 2))


def batch(context: UndoContext) -> Any:
    kind = context.choice.choice([CONTACT, COMPANY, DEAL, TASK])
    items = [sent(context, kind) for _ in range(4)]
    is_atomic, merges_alike = (context.choice.random() < 0.3 for _ in range(2))
    context.back.do(batches.save(context.call, kind, items, is_atomic, merges_alike and kind.merges_alike))


def merge_alike(context: UndoContext) -> Any:
    values = {"name": context.choice.choice(["Jane Doe", "Jane M. Doe"]), "phone": "+49 30 1234567", "city": "Oslo"}
    email = (
        {"email": context.choice.choice(["jane@acme.com", "joan@acme.com"])} if context.choice.random() < 0.4 else {}
    )
    merges_alike = context.choice.random() < 0.5
    context.back.do(write.save(context.call, CONTACT, {**values, **email}, merges_alike))


def dismiss(context: UndoContext) -> Any:
    found = context.of(context.choice.choice(REGISTRY.alike))
    if len(found) > 1:
        one, other = context.choice.sample(found, 2)
        context.back.do(dismissing.dismiss(context.call, {"a": one.id, "b": other.id}))


def change_by_filter(context: UndoContext) -> Any:
    some, kind = several(context, CONTACT, COMPANY, DEAL, TASK)
    if kind is not None:
        body = {name: value for name, value in sent(context, kind).items() if name not in kind.merges_by}
        body = body or {kind.title.name: context.choice.choice(["Jane Doe", "Acme"])}
        change_all(context.back, context.actor, some, kind, body, by_job=context.choice.random() < 0.6)


def delete_by_filter(context: UndoContext) -> Any:
    some, kind = several(context, *KINDS)
    if kind is not None:
        change_all(context.back, context.actor, some[:3], kind, None, by_job=context.choice.random() < 0.6)


def several(context: UndoContext, *kinds: Kind) -> tuple[list[Any], Kind | None]:
    """Return some records of one of these kinds, and which it is."""
    record = context.one(*kinds)
    if record is None:
        return [], None
    found = context.of(kind_of(record))
    return context.choice.sample(found, context.choice.randrange(len(found)) + 1), kind_of(record)


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


def activity(context: UndoContext) -> dict[str, Any]:
    """Return what an activity is sent with, which may be dated ahead."""
    choice = context.choice
    drawn = {
        "kind": choice.choice(["call", "email", "meeting", "note", "task"]),
        "occurred_at": choice.choice([*TIMES, after(context.back.crm.now, minutes=10_000)]),
        "on_behalf_of": choice.choice([None, "me", BOB]),
    }
    return {name: value for name, value in drawn.items() if choice.random() < 0.7}


def sent(context: UndoContext, kind: Kind) -> dict[str, Any]:
    """Return a body with some of the fields of a kind, those it needs always, and links to records there are."""
    choice = context.choice
    found = body(kind, choice.randrange(4), choice)
    found = {name: value for name, value in found.items() if kind.by_name[name].required or choice.random() < 0.5}
    found = agreeing(found)
    found.pop("ends_on", None)  # it may be before starts_on
    for name, field in kind.writable.items():
        prefix = getattr(field.type, "prefix", "")
        others = [record.id for record in context.there if record.id.startswith(f"{prefix}_")]
        if prefix and (field.required or choice.random() < 0.7):
            found[name] = choice.choice([*([] if field.required else [None]), *others])
    return found
