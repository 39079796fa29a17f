"""The caps of plans: how much a workspace may hold, and how much it holds."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.settings import Settings
from crmkit.storage import records
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import accounts


def check(tx: Tx, settings: Settings, resource: str, why: str = "") -> None:
    """Raise `plan_limit_reached` unless one more of `resource` is allowed; runs in the transaction that creates it.

    `why` is a sentence that says what one more is needed for, where the request does not.
    """
    cap = settings.plans.caps(tx.by.plan).get(resource)
    if cap is None:
        return
    tx.write_gathered()
    used = _used(tx.connection, tx.by, resource)
    if used >= cap:
        raise _reached(tx.by.plan, resource, cap, used, f"{why} " if why else "")


@contextmanager
def as_before(tx: Tx, settings: Settings, resources: Iterable[str]) -> Iterator[None]:
    """Let `plan_limit_reached` tell what was used before this block, all of which it takes back."""
    caps = settings.plans.caps(tx.by.plan)
    tx.write_gathered()
    before = {name: _used(tx.connection, tx.by, name) for name in set(resources) & caps.keys()}
    try:
        yield
    except Problem as problem:
        resource = problem.facts.get("resource")
        if problem.code != "plan_limit_reached" or resource not in before:
            raise
        used, needed = before[resource], problem.facts["used"] - before[resource] + 1
        why = f"This request needs {needed} {resource} or more. " if needed > 1 else ""
        raise _reached(tx.by.plan, resource, problem.facts["cap"], used, why) from None


def check_more(tx: Tx, caps: Mapping[str, int], more: Mapping[str, int], are_there: bool) -> None:
    """Raise `plan_limit_reached` if so many more of each resource are beyond its cap; `are_there` if they are written.

    Fewer are never refused.
    """
    for resource, number in more.items():
        if number > 0 and resource in caps:
            used = _used(tx.connection, tx.by, resource) - (number if are_there else 0)
            if used + number > caps[resource]:
                raise _reached(tx.by.plan, resource, caps[resource], used, f"This request needs {number} {resource}. ")


def _reached(plan: str, resource: str, cap: int, used: int, why: str) -> Problem:
    return Problem(
        "plan_limit_reached",
        f"{why}The plan {plan} allows {cap} {resource} and {used} are used. Do not retry: tell the user, who can "
        "delete some or ask the operator for another plan.",
        facts={"plan": plan, "resource": resource, "cap": cap, "used": used},
    )


def usage(connection: Connection, crm: Crm, actor: Actor) -> dict[str, tuple[int, int | None]]:
    """Return (used, cap) of every resource that a plan may cap; a cap of None is unlimited."""
    caps = crm.settings.plans.caps(actor.plan)
    return {name: (_used(connection, actor, name), caps.get(name)) for name in crm.kinds.capped}


def _used(connection: Connection, actor: Actor, resource: str) -> int:
    if resource == "members":
        return accounts.members(connection, actor.workspace_id)
    if resource == "workspaces":
        return accounts.workspaces_created(connection, actor.email)
    return records.live(connection, actor.workspace_id, resource)
