"""Activity: something that took place, logged on a record."""

from collections.abc import Sequence
from typing import Annotated, Any, get_type_hints

from msgspec import defstruct

from crmkit.errors import a, listed
from crmkit.model.fields import MAX_EXACT, Choice, Email, Identifier, Link, LongText, Minutes, Text, Time
from crmkit.model.form import ONCE, READ, REQUIRED, SEARCHED, Default
from crmkit.model.record import Kind, Tracked, index, kind_of, partial, unique

# the kinds of activities by which somebody was in contact with a person
CONTACTS = ("call", "email", "meeting")


class Activity(Tracked, frozen=True):
    """The fields of every activity. One that is logged on a record has the record's id beside them."""

    kind: Annotated[str, Choice((*CONTACTS, "note", "task"), has_plurals=True), Default("note"), "note unless sent"]
    occurred_at: Annotated[str, Time(), "now unless sent"]
    on_behalf_of: Annotated[str | None, Email(takes_me=True), "for whom it was done"]
    body: Annotated[str, LongText(20_000), REQUIRED, SEARCHED, "what happened"]
    outcome: Annotated[str | None, Text(1_000), SEARCHED, "what came of it"]
    duration_minutes: Annotated[int | None, Minutes(0, MAX_EXACT), "how long it took"]
    source_id: Annotated[str | None, Identifier(1_000), "unique, like a mail's Message-ID"]
    created_at: Annotated[str, Time(), READ, "when it was logged"]
    created_by: Annotated[str, Email(takes_me=True), READ, "address of who logged it"]


def activity_of(kinds: Sequence[Kind]) -> Kind:
    """Return the kind of the activities that are logged on records of these kinds: it has a link to each of them."""
    own = get_type_hints(Activity, include_extras=True)
    links = {
        kind.activity_link: Annotated[str | None, Link(kind.prefix), ONCE, f"the {kind.name} it is about"]
        for kind in kinds
    }
    fields: dict[str, Any] = {}
    for name in Activity.__annotations__:
        if name == "body":
            fields |= links
        fields[name] = own[name]
    record: Any = defstruct("Activity", [*fields.items()], bases=(Tracked,), frozen=True)
    record.__doc__ = f"Something that took place, logged on {listed([a(kind.name) for kind in kinds], 'or')}."
    return kind_of(
        record,
        name="activity",
        plural="activities",
        prefix="a",
        order="occurred_at",
        indexes=(
            index("occurred_at"),
            unique("source_id"),
            *(partial(link, "occurred_at", covers=("kind",)) for link in links),
        ),
    )
