"""Webhook: an address that is told what happens in a workspace."""

from collections.abc import Sequence
from typing import Annotated

from msgspec.structs import replace

from crmkit.model.events import names
from crmkit.model.events.types import EventNames, OtherNames, Receiver, Secret
from crmkit.model.fields import Flag, LongText, Time, Word
from crmkit.model.form import DERIVED, DETAIL, READ, REQUIRED, Default, declared
from crmkit.model.record import Kind, Tracked, index, kind_of


class Webhook(Tracked, frozen=True):
    """An address that events are sent to."""

    url: Annotated[str, Receiver(), REQUIRED, "where they are sent"]
    events: Annotated[list[str], EventNames(), Default([names.ALL]), "which; all unless sent"]
    active: Annotated[bool, Flag(), Default(True), "false: none is sent"]
    state: Annotated[
        str, Word((names.SENDS, names.PAUSED, names.OFF)), READ, DERIVED, Default(names.SENDS), "active, paused or off"
    ]
    reason: Annotated[str | None, LongText(300), READ, DERIVED, "why it is paused or off"]
    failing_since: Annotated[str | None, Time(), READ, DERIVED, "since when nothing arrives"]
    last_delivered_at: Annotated[str | None, Time(), READ, DERIVED, "when something last arrived"]
    speaks: Annotated[
        dict[str, list[str]] | None,
        OtherNames(),
        READ,
        DETAIL,
        "whose clients made it, and which of their events it tells",
    ]


class Hidden:
    secret: Annotated[str | None, Secret(), "signs them; made, and shown once, unless sent"]


def webhook_of(kinds: Sequence[Kind]) -> Kind:
    """Return the kind of the webhooks that are told of records of these kinds."""
    known = EventNames(names.of(kinds), tuple((kind.plural, kind.name) for kind in kinds))
    made = kind_of(
        Webhook,
        name="webhook",
        plural="webhooks",
        prefix="wh",
        area="webhooks",
        indexes=(index("updated_at"),),
        is_setting=True,
        is_admins=True,
        is_admins_to_read=True,  # an address is often a credential
        secrets=declared(Hidden),
    )
    return replace(
        made,
        fields=tuple(replace(each, type=known) if each.name == "events" else each for each in made.fields),
        moved=(
            ("state", names.OFF),
            ("reason", names.MOVED),
            ("failing_since", None),
            ("last_delivered_at", None),
        ),
    )
