"""What records are: with a handle and an id, with a history, with activities, with points."""

from typing import Annotated

from msgspec import Struct

from crmkit.model.fields import Addresses, Email, Integer, Number, Time
from crmkit.model.form import DERIVED, DETAIL, READ, Default


class Record(Struct, frozen=True):
    """A record with every field in its stored form, times as stamps; `handle` is kind/id."""

    handle: str
    id: str


class Tracked(Record, frozen=True):
    """A record that has a history."""

    version: Annotated[int, Integer(), READ, DETAIL, Default(1), "goes up by one with every change"]
    created_at: Annotated[str, Time(), READ, DETAIL, "when it was created"]
    updated_at: Annotated[str, Time(), READ, "when it last changed"]
    created_by: Annotated[str, Email(takes_me=True), READ, DETAIL, "address of who created it"]


class Followed(Tracked, frozen=True):
    """A record that activities are logged on."""

    activities: Annotated[int, Integer(), READ, DERIVED, Default(0), "how many activities it has"]
    last_activity_at: Annotated[str | None, Time(), READ, DERIVED, "when the newest of them took place"]
    last_contacted_at: Annotated[str | None, Time(), READ, DERIVED, "newest call, email or meeting"]
    contacts_made: Annotated[int, Integer(), READ, DERIVED, DETAIL, Default(0), "calls, emails and meetings so far"]
    on_behalf_of: Annotated[list[str] | None, Addresses(), READ, DERIVED, DETAIL, "whom activities were for, first 200"]


# The field that scoring rules make.
SCORE = "score"


class Scored(Followed, frozen=True):
    """A record that scoring rules give points."""

    score: Annotated[float, Number(), READ, DETAIL, DERIVED, Default(0.0), "0 to 100, by the scoring rules"]


# The field that every POST that reaches a record sets, and nothing else.
REACHED = "last_interaction_at"


class Reached(Scored, frozen=True):
    """A scored record that knows when a POST reached it last."""

    last_interaction_at: Annotated[str | None, Time(), READ, DERIVED, DETAIL, "newest POST that reached them"]
