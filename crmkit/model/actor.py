"""Who acts, and people and workspaces as values: who somebody is, where they belong, where they are invited."""

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from msgspec import Struct

from crmkit.model.access import FULL_ACCESS, Access
from crmkit.model.preferences import DEFAULTS, Preferences


class Asker(Struct, frozen=True):
    """By whom a value is written: `address` is what `me` stands for, and a date without a time is a day in `zone`.

    The workspace's `preferences` say what an empty value of some fields stands for. `now` is the stamp that `today` and
    `+2w` are told by; without one they are unknown.
    """

    address: str = ""
    zone: tzinfo = UTC
    preferences: Preferences = DEFAULTS
    now: str = ""

    @property
    def country(self) -> str:
        """The country of phone numbers without one."""
        return self.preferences.country


NOBODY = Asker()


class Actor(Struct, frozen=True):
    """Who asks: a user with a token, in one workspace, with a role there."""

    user_id: str
    email: str
    role: str  # admin or member
    token_id: str
    token_name: str
    workspace_id: str
    workspace_name: str
    workspace_number: int  # which the storage gave the workspace
    plan: str
    is_app: int = 0  # 1 if the token belongs to an app that the user connected
    own_timezone: str = ""  # the person's, before the workspace's; empty if they chose none
    preferences: Preferences = DEFAULTS  # of the workspace
    access: Access = FULL_ACCESS  # of the token
    must_confirm: bool = False  # True if this request needs a code mailed to the user

    def asker(self, now: str) -> Asker:
        """Return the same person as one who asks at this moment."""
        return Asker(self.email, ZoneInfo(self.timezone), self.preferences, now)

    @property
    def timezone(self) -> str:
        """The IANA name of the zone whose days count for them here."""
        return self.own_timezone or self.preferences.timezone

    def reaches(self, workspace_id: str) -> bool:
        """Tell whether a request may concern this workspace.

        That of an app, or by a token that does not have full access, only its own; another any of its user.
        """
        return workspace_id == self.workspace_id or not (self.is_app or self.access.is_narrow)


class User(Struct, frozen=True):
    id: str
    email: str


class Membership(Struct, frozen=True):
    """A workspace as one of its members sees it."""

    workspace_id: str
    workspace_number: int
    name: str
    plan: str
    role: str
    created_at: str
    opened_by: str
    preferences: Preferences = DEFAULTS


class Member(Struct, frozen=True):
    """Someone who belongs to a workspace, as the others see them."""

    user_id: str
    email: str
    role: str
    joined_at: str


class Invite(Struct, frozen=True):
    """An address that may join a workspace, in a role."""

    id: str
    workspace_id: str
    email: str
    role: str
    created_at: str
    invited_by: str  # the address of the admin who asked for it last
