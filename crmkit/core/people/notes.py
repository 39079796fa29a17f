"""What a sign-in tells beside its token: where the person belongs besides, and which invites wait."""

from collections.abc import Iterable

from crmkit.core.people.login import SignedIn
from crmkit.model.actor import Invite, Membership
from crmkit.model.names import spoken, spoken_address

MAX_OTHERS = 3  # other workspaces that a sign-in names


def of_sign_in(signed_in: SignedIn) -> list[str]:
    """Return a note for each workspace joined now and each invite that waits; the last says where the token is no good.

    There is none where the person belongs to one workspace alone.
    """
    joined = [
        f"you joined {invite.workspace_id} as {invite.role}, invited by {spoken_address(invite.invited_by)}"
        for invite in signed_in.joined
    ]
    return [*joined, *of_invites(signed_in.invites), *_others(signed_in)]


def of_invites(invites: Iterable[Invite]) -> list[str]:
    """Return a note for each open invite, without the name of its workspace, which the inviter chose."""
    return [
        f"you are invited to {invite.workspace_id} as {invite.role} by {spoken_address(invite.invited_by)}; "
        f"POST /workspaces/{invite.workspace_id}/join joins it"
        for invite in invites
    ]


def _others(signed_in: SignedIn) -> list[str]:
    here = signed_in.workspace.workspace_id
    others = [found for found in signed_in.workspaces if found.workspace_id != here]
    if not others:
        return []
    named = ", ".join(_named(found, signed_in.email) for found in others[:MAX_OTHERS])
    more = len(others) - MAX_OTHERS
    rest = f" and {more} more, which GET /workspaces lists" if more > 0 else ""
    id = others[0].workspace_id if len(others) == 1 else "ID"
    return [f"you also belong to {named}{rest}: POST /workspaces/{id}/tokens gives a token that works there"]


def _named(membership: Membership, email: str) -> str:
    """Return the id and, if that is a few plain words or the person's own address, the name."""
    name = membership.name if membership.name == email else spoken(membership.name, "")
    return f'{membership.workspace_id} "{name}"' if name else membership.workspace_id
