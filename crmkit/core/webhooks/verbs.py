"""The verbs of webhooks: written with a secret that is shown once, tried out, and what became of what was sent."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from crmkit.core import lookup, path_ids, roles
from crmkit.core.call import Call
from crmkit.core.people import stepup
from crmkit.core.records import versions, write
from crmkit.core.records.settled import Saved
from crmkit.core.webhooks import form as forms
from crmkit.core.webhooks import maker, on_write
from crmkit.core.webhooks.form import Spoken
from crmkit.core.webhooks.on_write import SideEffects
from crmkit.errors import Problem, nearest
from crmkit.model.events import names
from crmkit.model.form import Form
from crmkit.model.query.cursor import seal, unseal
from crmkit.model.query.listing import Paging
from crmkit.model.query.parse import limit_of
from crmkit.model.record import Kind, Kinds, Record
from crmkit.records.settings.webhook import Webhook
from crmkit.storage import jobs, records
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.webhooks import deliveries, keys
from crmkit.storage.webhooks.deliveries import PREFIX, STATES, WAITING, Delivery
from crmkit.storage.webhooks.keys import Key

PARAMETERS = ("state", "limit", "cursor")
HIDDEN = "hidden"  # what the log tells of a secret
WAIT_SECONDS = 8  # for an answer of the receiver: longer than it has


class Made(Saved, frozen=True):
    """A webhook after a write, and the secret that was made for it, if any."""

    secret: str = ""


class Page(Struct, frozen=True):
    """A page of deliveries."""

    found: Sequence[Delivery]
    paging: Paging


async def save(
    call: Call, kind: Kind, body: Mapping[str, Any], merges_alike: bool = False, spoken: Spoken | None = None
) -> Made:
    """Make a webhook, and return it with the secret that was made unless one was sent.

    One that tells events in a form that is `spoken` has the secret that this brings, or none. A connected app needs a
    code (see stepup.confirmed). Raises `address_refused`, and `scope_required` for events of kinds that the token does
    not read.
    """
    sent, secret = _split(kind, body)
    values = kind.draft(sent, call.asker)
    _check_url(call, values)
    call.actor.access.check(*_scopes(call, names.nouns(values.get("events") or ())))
    saving, effects = write.saving(call.crm, kind, sent, call.asker), SideEffects(secret)
    if spoken is not None:
        saving = saving.adding(speaks=spoken.kept)
        effects = SideEffects(spoken.secret or None, may_lack_it=True)

    def do(tx: Tx) -> Made:
        return _made(tx, call, saving(tx), effects)

    def check(tx: Tx) -> stepup.Act:
        roles.check_admin(tx)
        of = ", ".join(values.get("events") or (names.ALL,))
        return stepup.Act("", f"make a webhook that sends {of} to {_host(values.get('url') or '')}")

    return await _confirmed(call, {**body, "spoken": spoken}, check, do)


async def change(call: Call, kind: Kind, id: str, body: Mapping[str, Any], if_match: int | None = None) -> Made:
    """Return a webhook changed, with the secret that was made if it was sent empty; raises as `save`.

    It works for the caller from now on where the url, the events or the secret change, or it sends again. Raises
    `scope_required` then for what it told so far and the token does not read. One that is off sends again, from now on,
    where `active` is sent true.
    """
    named, expected = lookup.id_or_key(kind, id), (if_match, versions.in_body(body))
    sent, secret = _split(kind, {name: value for name, value in body.items() if name != "version"})
    values = kind.changes.draft(sent, call.asker, True)
    _check_url(call, values)

    def existing(tx: Tx) -> Webhook:
        return _webhook(lookup.existing(tx.connection, kind, tx.by, named))

    def check(tx: Tx) -> stepup.Act:
        roles.check_admin(tx)
        before = existing(tx)
        if _takes_over(tx, call, before, values, secret):
            _check_taken(tx, call, before, values)
        to_app = "" if tx.by.access.allows(f"{kind.area}.read") else f"change the webhook {before.id}"
        return stepup.Act(before.id, _change_said(before, values, secret is not None), to_app=to_app)

    def do(tx: Tx) -> Made:
        before = existing(tx)
        versions.check(before, expected, "PATCH")
        takes_over = _takes_over(tx, call, before, values, secret)
        saved = write.changed(tx, call.crm, kind, before, values | _spoken_after(call, before, values))
        is_on = _webhook(saved.record).active
        restarts = is_on and (not before.active or ("active" in values and before.state == names.OFF))
        return _made(tx, call, saved, SideEffects(secret, takes_over, restarts), before)

    return await _confirmed(call, body, check, do)


async def told(call: Call, record: Record) -> tuple[str, ...]:
    """Return the note that a webhook is told less than its events say; none where it is told of all."""
    return await call.read(_notes, call.crm.kinds, call.actor.workspace_id, _webhook(record))


def _notes(connection: Connection, kinds: Kinds, workspace_id: str, webhook: Webhook) -> tuple[str, ...]:
    key = keys.find(connection, workspace_id, webhook.id)
    found = "" if key is None else maker.note(connection, kinds, key, webhook.events)
    return (found,) if found else ()


def _takes_over(tx: Tx, call: Call, before: Webhook, values: Mapping[str, Any], secret: str | None) -> bool:
    """Tell whether a change has a webhook work for who writes it: one of what it sends and where, or that it sends."""
    key = keys.find(tx.connection, tx.by.workspace_id, before.id)
    if any(values.get(name, getattr(before, name)) != getattr(before, name) for name in ("url", "events")):
        return True
    if secret is not None and (not secret or key is None or secret != key.secret):
        return True
    sends = key is not None and before.state == names.SENDS
    lacks = maker.lacks(tx.connection, call.crm.kinds, key, before.events) if key else ""
    return bool(values.get("active")) and (not sends or bool(lacks))


def _spoken_after(call: Call, before: Webhook, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a webhook in another form is to tell where other events of ours are chosen: all that these are."""
    form, _ = forms.of(call.crm.forms, before)
    if form is None or "events" not in values:
        return {}
    return {"speaks": {name: [*form.events] for name in before.speaks or ()}}


def _check_taken(tx: Tx, call: Call, before: Webhook, values: Mapping[str, Any]) -> None:
    """Raise `scope_required` unless the token reads each kind that a webhook told so far, and each that it is to."""
    key = keys.find(tx.connection, tx.by.workspace_id, before.id)
    carried = maker.told(tx.connection, call.crm.kinds, key, before.events)[0] if key else ()
    tx.by.access.check(*_scopes(call, (*carried, *names.nouns(values.get("events", before.events)))))


def _scopes(call: Call, nouns: Sequence[str]) -> list[str]:
    """Return the scopes that reading records of these kinds takes."""
    return [f"{call.crm.kinds.by_word[noun].area}.read" for noun in nouns]


def _made(tx: Tx, call: Call, saved: Saved, effects: SideEffects, before: Webhook | None = None) -> Made:
    webhook, kind = _webhook(saved.record), call.crm.kinds.by_word["webhook"]
    key = keys.find(tx.connection, tx.by.workspace_id, webhook.id)
    # one that came from another server stays as it is until somebody takes it over
    shown = on_write.settle(tx, webhook, effects) if key is not None or effects.takes_over else ""
    if before is not None:
        _log(tx, kind, before, key)
    record = lookup.existing(tx.connection, kind, tx.by, webhook.id)
    notes = _notes(tx.connection, call.crm.kinds, tx.by.workspace_id, webhook)
    return Made(record, saved.created, (*saved.notes, *notes), secret=shown)


def _log(tx: Tx, kind: Kind, before: Webhook, key_before: Key | None) -> None:
    """Log what a change wrote beside the fields: another secret, and that a webhook sends again that was on."""
    now = _webhook(lookup.existing(tx.connection, kind, tx.by, before.id))
    key = keys.find(tx.connection, tx.by.workspace_id, before.id)
    changes: dict[str, list[str]] = {}
    if key is not None and (key_before is None or key_before.secret != key.secret):
        changes["secret"] = [HIDDEN, HIDDEN]
    if before.active and now.state == names.SENDS != before.state:
        changes["state"] = [before.state, now.state]
    if changes:
        records.touch(tx, kind, now, changes)


def _split(kind: Kind, body: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return a body without its secret, and that: empty where it was sent so, None where none was sent."""
    rest = {name: value for name, value in body.items() if name not in ("secret",)}
    if "secret" not in body:
        return rest, None
    return rest, Form(kind.name, kind.secrets).draft({"secret": body["secret"]})["secret"] or ""


def _check_url(call: Call, values: Mapping[str, Any]) -> None:
    if values.get("url"):
        call.crm.outbound.check(values["url"])


async def _confirmed(
    call: Call, body: Mapping[str, Any], check: Callable[[Tx], stepup.Act], do: Callable[[Tx], Made]
) -> Made:
    """Return what `do` returns; a connected app needs a code for just this body and the act that `check` returns."""
    bound = hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()

    def checked(tx: Tx) -> stepup.Act:
        act = check(tx)
        return replace(act, purpose=f"webhook.write {tx.by.workspace_id} {act.purpose} {bound}", always=False)

    return await stepup.confirmed(call, checked, do, lanes=[call.actor.workspace_id])


def _change_said(before: Webhook, values: Mapping[str, Any], has_secret: bool) -> str:
    """Return what a change does, as a mail says it: of addresses the hosts alone, which are plain names."""
    old, said = _host(before.url), list[str]()
    new = _host(values.get("url") or before.url)
    if values.get("url", before.url) != before.url:
        to = f"{new} in place of {old}" if new != old else f"another address at {new}"
        said.append(f"send what {before.id} tells to {to}")
    if values.get("events", before.events) != before.events:
        said.append(f"have {before.id} tell {new} of {', '.join(values['events'])}, not {', '.join(before.events)}")
    if has_secret:
        said.append(f"give {before.id}, which sends to {new}, another secret")
    if "active" in values:
        said.append(f"switch {before.id}, which sends to {new}, {'on' if values['active'] else 'off'}")
    return "; ".join(said) or f"write {before.id}, which sends to {new}, as it is"


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


async def test(call: Call, kind: Kind, id: str) -> Delivery:
    """Have a webhook sent an event that tells nothing, and return it as kept (see `outcome`)."""
    named = lookup.id_or_key(kind, id)

    def unit(tx: Tx) -> Delivery:
        roles.check_admin(tx)
        webhook = lookup.existing(tx.connection, kind, tx.by, named)
        event = Delivery(0, "", webhook.id, "", names.TEST, "", 0, 0, "", tx.now)
        (made,) = deliveries.add(tx, Workspace.of(tx.by), [event])
        _wake(tx, webhook.id)
        return made

    return await call.write(unit)


async def redeliver(call: Call, kind: Kind, id: str, delivery: str) -> Delivery:
    """Have a delivery sent again at once, and return it as kept (see `outcome`); raises `not_found`."""
    named = lookup.id_or_key(kind, id)
    where = "GET /webhooks/{id}/deliveries lists them."
    bare = path_ids.bare(call.crm.kinds.prefixes, delivery, PREFIX, where)

    def unit(tx: Tx) -> Delivery:
        roles.check_admin(tx)
        webhook = lookup.existing(tx.connection, kind, tx.by, named)
        found = deliveries.find(tx.connection, tx.by.workspace_id, webhook.id, bare)
        if found is None:
            raise Problem("not_found", f"There is no such delivery of {webhook.handle}. {where}")
        again = replace(found, state=WAITING, first_at="", next_at="", status=None, error=None, ms=None)
        deliveries.save(tx, Workspace.of(tx.by), [again])
        _wake(tx, webhook.id)
        return again

    return await call.write(unit)


async def outcome(call: Call, delivery: Delivery) -> Delivery:
    """Return a delivery once it was tried, or as it is after WAIT_SECONDS; at once in a dry run."""
    if call.outcome.is_dry:
        return delivery
    place = (call.actor.workspace_id, delivery.webhook_id, delivery.id)
    with call.crm.database.commits.listener(delivery.id) as listener:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while (now := await call.read(deliveries.find, *place)) is not None:
                    if now.state != WAITING or now.attempts > delivery.attempts:
                        break
                    await listener.wait()
        except TimeoutError:
            now = await call.read(deliveries.find, *place)
    return now or delivery


async def sent(call: Call, kind: Kind, id: str, parameters: Mapping[str, str]) -> Page:
    """Return a page of the deliveries of a webhook, the newest first; `state` picks those in a state."""
    crm, actor, named = call.crm, call.actor, lookup.id_or_key(kind, id)
    limit, notes = limit_of(parameters.get("limit"))
    state = parameters.get("state", "").strip().lower()
    if state and state not in STATES:
        wrong = {"state": f"must be {', '.join(STATES)}{nearest(state, STATES)}"}
        raise Problem("invalid_value", "Leave state out for all deliveries.", fields=wrong)
    webhook = await call.read(lookup.existing, kind, actor, named)
    binding, cursor = json.dumps([actor.workspace_id, webhook.id, state]), parameters.get("cursor", "")
    before = unseal(crm.key, binding, cursor)[0] if cursor else None
    found = await call.read(deliveries.page, actor.workspace_id, webhook.id, state, before, limit + 1)

    def cursor_after(rows: int) -> str:
        return seal(crm.key, binding, [found[rows - 1].seq])

    following = cursor_after(limit) if len(found) > limit else None
    return Page(found[:limit], Paging(False, next_cursor=following, notes=notes, cursor_after=cursor_after))


def _wake(tx: Tx, webhook_id: str) -> None:
    """Have the job of a webhook look at what waits; raises `not_ready` for one that has none."""
    key = keys.find(tx.connection, tx.by.workspace_id, webhook_id)
    if key is None:
        raise Problem("invalid_value", "PATCH it with active true first: it came from another server without a secret.")
    found = on_write.with_job(tx, key, Workspace.of(tx.by))
    if found is not key:
        keys.put(tx, found)
    jobs.wake_one(tx, tx.by.workspace_id, found.job_id)


def _webhook(record: Record) -> Webhook:
    if not isinstance(record, Webhook):
        raise TypeError(f"{record.handle} is no webhook")
    return record
