"""Lanes: what a unit of work looks at before it writes. Units that share a lane run one after another.

A database that runs several units at once locks their lanes. One that runs one unit at a time needs no lock. A lane
is the id of a workspace, or one of the names below.

Totals of the whole server are in no lane: a database that runs units at once may pass mails_per_hour or 200 wrong tries
by as many units as run together.
"""

from collections.abc import Collection

from crmkit.model.actor import Actor

Lane = str
Lanes = Collection[Lane]

# system work that needs no lock: each statement reads and writes atomically, or only upkeep writes there
ANYWHERE: Lanes = ("*",)


def own_lanes(actor: Actor | None) -> Lanes:
    """Return the lanes of a unit that names none: the workspace in which its actor works."""
    return () if actor is None else (actor.workspace_id,)


def mail_lane(email: str) -> Lane:
    """Return the lane of a person: the account of an address, its codes, its counters, how much it may have."""
    return f"mail:{email}"


def client_lane(client: str) -> Lane:
    """Return the lane of what one network address that signs in is counted for."""
    return f"client:{client}"
