"""The form in which another service tells of events: its names, its bodies, its signature, beside those of ours."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from crmkit.model.record import Record
from crmkit.records.settings.webhook import Webhook


class Told(Struct, frozen=True):
    """What happened: an event of ours with its data. `records` finds those of its kind that are there, by their ids."""

    type: str
    at: str
    data: Any  # a record, or a mapping: what is known of one that went, or ids and count of several
    records: Callable[[Sequence[str]], Mapping[str, Record]]


class Form(Struct, frozen=True):
    """Events as another service tells them. Beside its own headers a message has ours."""

    names: Mapping[str, str]  # of an event of ours, the name of its own; it tells of no others
    alone: frozenset[str]  # the kinds whose records it tells of one by one, however many one operation wrote
    tells: Callable[[Told], bool]  # whether it has such records
    body: Callable[[Told], Mapping[str, Any]]
    signed: Callable[[str, bytes], Mapping[str, str]]  # the headers that sign a body by a secret

    @property
    def events(self) -> tuple[str, ...]:
        """The names of all events that the other service knows."""
        return tuple(dict.fromkeys(self.names.values()))


Forms = Mapping[str, Form]  # by the name that webhooks have


class Spoken(Struct, frozen=True):
    """A form, which of its events are told, and the secret of a client that knows this form; empty for none."""

    form: str
    events: tuple[str, ...]
    secret: str = ""

    @property
    def kept(self) -> dict[str, list[str]]:
        """The value of `speaks` of a webhook: the names of the events, by the name of the form."""
        return {self.form: [*self.events]}


def of(forms: Forms, webhook: Webhook) -> tuple[Form | None, Sequence[str]]:
    """Return the form of a webhook, None for ours, and which of its events are told."""
    for name, events in (webhook.speaks or {}).items():
        if name in forms:
            return forms[name], events
    return None, ()
