"""Proposals: writes that a token asked for which may only propose, with what each would change.

A proposal is `open` until somebody approves or rejects it, or until it expires.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from crmkit.storage.log import audit

PREFIX = "pr"
OPEN, APPROVED, REJECTED, EXPIRED = "open", "approved", "rejected", "expired"
STATES: Final = (OPEN, APPROVED, REJECTED, EXPIRED)


class Change(Struct, frozen=True):
    """What a write does to one record: `changes` are [old, new] of each field."""

    action: str
    target: str
    changes: Mapping[str, Sequence[Any]]

    @property
    def noun(self) -> str:
        return self.target.partition("/")[0]


class Request(Struct, frozen=True):
    """A write as it was asked: `path` has the query, `version` is that of If-Match, `body` is JSON.

    `area` is that of the route, `needs` are the scopes that it takes. `now` is the moment that its times are
    told by, also those that nobody sent, `zone` the name of the zone of its days.
    """

    method: str
    path: str
    version: int | None
    body: str | None
    area: str
    needs: Sequence[str]
    now: str
    zone: str

    @property
    def expects(self) -> bool:
        """Whether it expects that the record has a version."""
        body = msgspec.json.decode(self.body) if self.body else {}
        return self.version is not None or "version" in body


class Proposal(Struct, frozen=True):
    """A request that waits, or was closed; `changes` are what it would write, `says` what a second step would tell."""

    workspace_id: str
    seq: int
    id: str
    state: str
    request: Request
    changes: Sequence[Change]
    says: Sequence[str]
    by: str
    token_id: str
    token_name: str
    created_at: str
    position: int  # the number of the newest entry of the log then
    closed_at: str = ""
    closed_by: str = ""
    reason: str | None = None  # for which it was rejected
    op: int | None = None  # number of the first audit entry of what was written

    @property
    def handle(self) -> str:
        return f"proposal/{self.id}"

    @property
    def operation(self) -> str:
        """The id of the operation that wrote it; empty while nothing did."""
        return "" if self.op is None else audit.operation_id(self.workspace_id, self.op)
