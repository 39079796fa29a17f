"""Whether the settings declare each plan that a workspace has."""

from crmkit.plans import Plans
from crmkit.storage.examining import plans as stored
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Finding

MOST = 3  # plans that are told


def examine(connection: Connection, plans: Plans) -> Finding:
    """Return whether a workspace has a plan that is not declared."""
    found = undeclared(connection, plans)
    return Finding("plans", not found, found or "each that a workspace has is declared")


def undeclared(connection: Connection, plans: Plans) -> str:
    """Return what to say of plans that workspaces have and the settings do not declare, an empty text without one."""
    others = stored.others(connection, plans.named)
    if not others:
        return ""
    told = [
        f"the plan {plan!r} of workspace/{id}{f' and {count - 1:,} more' if count > 1 else ''}"
        for plan, count, id in others[:MOST]
    ]
    more = f", and {len(others) - MOST:,} more plans," if len(others) > MOST else ""
    return (
        f"{', '.join(told)}{more} is not declared, so of each cap the least that any plan has holds there: declare "
        f"[plans.NAME] in the settings, or give the workspace another: crmkit workspaces plan {others[0][2]} NAME"
    )
