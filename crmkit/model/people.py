"""People and workspaces as values: who somebody is, where they belong, where they are invited."""

from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    id: str
    email: str


@dataclass(frozen=True)
class Membership:
    """A workspace as one of its members sees it."""

    workspace_id: str
    workspace_number: int
    name: str
    plan: str
    role: str
    created_at: str
    opened_by: str


@dataclass(frozen=True)
class Member:
    """Someone who belongs to a workspace, as the others see them."""

    user_id: str
    email: str
    role: str
    joined_at: str


@dataclass(frozen=True)
class Invite:
    """An address that may join a workspace, in a role."""

    id: str
    workspace_id: str
    email: str
    role: str
    created_at: str
    invited_by: str  # the address of the admin who asked for it last
