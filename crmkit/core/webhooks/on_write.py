"""What follows from a webhook that is written: who it works for, its secret, its job, whether it sends."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from crmkit.clock import after
from crmkit.model.events import secret
from crmkit.model.events.names import MOVED, OFF, PAUSED, SENDS
from crmkit.model.record import Record
from crmkit.records.settings.webhook import Webhook
from crmkit.storage import jobs
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import entries
from crmkit.storage.webhooks import deliveries, keys
from crmkit.storage.webhooks.keys import Key, Standing

NAME = "webhook"  # of the kind of its job
TOPIC = "webhooks"  # told when a webhook comes or goes, or sends again
OLD_SECRET_HOURS = 24
SWITCHED_OFF = "it was switched off"
MOST_TOLD = 3  # webhooks that do not send, in a brief

_NEXT = {
    OFF: "PATCH /webhooks/{id} with active true sends what happens from then on",
    PAUSED: "within 3 days nothing is lost: give that back, or who has it PATCHes /webhooks/{id} with active true",
}


def follow(tx: Tx, before: Record | None, after: Record | None) -> None:
    """Write what follows from a webhook that came, changed or goes; who wrote it is in the transaction."""
    tx.tell(TOPIC)
    gone = before if after is None else None
    if gone is not None:
        key = keys.find(tx.connection, tx.by.workspace_id, gone.id)
        if key is not None:
            jobs.stop(tx, key.workspace_id, key.job_id)
        keys.remove(tx, tx.by.workspace_id, gone.id)
        deliveries.remove(tx, tx.by.workspace_id, gone.id)


class SideEffects(Struct, frozen=True):
    """What a write means for a webhook beside its fields.

    `secret` is the one that it is to have, empty for one that is made here, None to keep what it has. It works for the
    actor from now on where that `takes_over`, and begins anew at the newest entry of the log where it `restarts`. A new
    one has no secret where it `may_lack_it` and none is given.
    """

    secret: str | None
    takes_over: bool = True
    restarts: bool = False
    may_lack_it: bool = False


def settle(tx: Tx, webhook: Webhook, effects: SideEffects) -> str:
    """Write what follows from a change of a webhook, and return the secret that was made for it, empty if none was."""
    key = keys.find(tx.connection, tx.by.workspace_id, webhook.id)
    made = secret.new() if effects.secret == "" or (key is None and not effects.may_lack_it) else ""
    actor, workspace = tx.by, Workspace.of(tx.by)
    was = Key(workspace.id, webhook.id, *("", "", 0, "", "", "", "", "", 0)) if key is None else key
    maker = {"user_id": actor.user_id, "token_id": actor.token_id, "is_app": int(actor.is_app)}
    found = replace(was, **maker, access=actor.access.words) if effects.takes_over else was
    chosen = effects.secret or made
    if chosen and chosen != was.secret:
        until = after(tx.now, hours=OLD_SECRET_HOURS) if was.secret else ""
        found = replace(found, secret=chosen, old_secret=was.secret, old_until=until)
    found = with_job(tx, found, workspace)
    if webhook.active and (key is None or effects.restarts):
        found = replace(found, reached=entries.newest(tx.connection, workspace))
    keys.put(tx, found)
    if not webhook.active:
        switch_off(tx, workspace.id, webhook, SWITCHED_OFF)
    elif effects.restarts or (effects.takes_over and webhook.state == PAUSED):
        keys.stand(tx, workspace.id, webhook.id, Standing(SENDS, None, None, webhook.last_delivered_at))
    jobs.wake_one(tx, workspace.id, found.job_id)
    tx.tell(TOPIC)
    shown = made if effects.secret is None or effects.secret == "" else ""
    for secrets in (tx.made, tx.secrets):
        if secrets is not None and shown:
            secrets.append(shown)
    return shown


def with_job(tx: Tx, key: Key, workspace: Workspace) -> Key:
    """Return the key with a job that goes on: a new one where there is none, or a fault ended it."""
    job = jobs.find(tx.connection, workspace.id, key.job_id) if key.job_id else None
    if job is not None and not job.has_ended:
        return key
    made = jobs.add(tx, NAME, {"webhook": key.id, "number": workspace.number}, workspace=workspace)
    return replace(key, job_id=made.id)


def switch_off(tx: Tx, workspace_id: str, webhook: Webhook, reason: str) -> None:
    """Have a webhook send nothing, and say why; what waits is not sent any more."""
    standing = Standing(OFF, reason, webhook.failing_since, webhook.last_delivered_at)
    keys.stand(tx, workspace_id, webhook.id, standing)
    deliveries.give_up(tx, workspace_id, webhook.id, reason)
    tx.tell(TOPIC)


def arrived(tx: Tx, workspace: Workspace) -> None:
    """Have the webhooks of a workspace that came from another server send nothing: their secrets stayed there."""
    keys.switch_all_off(tx, workspace.id, OFF, MOVED)


def told(stopped: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return the notes about webhooks that do not send, without their addresses, which members do not read."""
    return [f"webhook/{id} is {state}: {reason}; {_NEXT[state].format(id=id)}" for id, state, reason in stopped]
