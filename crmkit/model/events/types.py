"""The types of the fields of a webhook that no other kind has."""

from typing import Any

from crmkit.errors import nearest
from crmkit.model.events import secret
from crmkit.model.events.names import ALL
from crmkit.model.fields import FieldType, Invalid, LongText
from crmkit.model.names import trimmed
from crmkit.model.operators.rows import Taken
from crmkit.model.sheets.habits import Habits, Read


class Receiver(LongText, frozen=True):
    """The address of a page that takes messages. Whether it may be reached is known where something is sent."""

    most: int = 2_000

    @property
    def says(self) -> str:
        return f"an address that begins with https://, of at most {self.most:,} characters"

    @property
    def brief(self) -> str:
        return "url"

    @property
    def legend(self) -> str:
        return ""

    def cleaned(self, value: str) -> str | None:
        url = super().cleaned(value)
        if url is not None and (
            not url.lower().startswith(("https://", "http://")) or " " in url or not url.isprintable()
        ):
            raise Invalid(f"must be {self.says}")
        return url

    def schema(self) -> dict[str, Any]:
        return {**super().schema(), "format": "uri", "maxLength": self.most}


class EventNames(FieldType, frozen=True):
    """A list of names of events; `deal.*` stands for all of deals, `*` for all. `plurals` has the name of each kind."""

    known: tuple[str, ...] = ()
    plurals: tuple[tuple[str, str], ...] = ()
    sortable = False
    structured = True
    taken = Taken.WHOLE
    wire = list[str]

    @property
    def says(self) -> str:
        return 'a list of names of events, like ["contact.created","deal.*"]'

    @property
    def brief(self) -> str:
        return "events"

    @property
    def legend(self) -> str:
        return ""

    def from_cell(self, text: str, habits: Habits) -> Read:
        from crmkit.model.sheets import lists  # late: a start does without

        return lists.listed(text), ""

    def cleaned(self, value: list[str]) -> list[str]:
        found = dict.fromkeys(self._named(trimmed(text).lower()) for text in value)
        if not found:
            raise Invalid("has none: name at least one event, or leave events out for all")
        return [ALL] if ALL in found else [*found]

    def _named(self, text: str) -> str:
        noun, dot, what = text.partition(".")
        name = f"{dict(self.plurals).get(noun, noun)}{dot}{what}"
        groups = (ALL, *dict.fromkeys(f"{each.partition('.')[0]}.{ALL}" for each in self.known))
        if name not in self.known and name not in groups:
            raise Invalid(f"has no event {text[:60]}{nearest(name, (*self.known, *groups))}")
        return name

    def schema(self) -> dict[str, Any]:
        return {**super().schema(), "items": {"type": "string", "examples": ["contact.created", "deal.*", ALL]}}


class OtherNames(FieldType, frozen=True):
    """Which events of another service a webhook tells, by the name of the service; only the server writes it."""

    sortable = False
    structured = True
    taken = Taken.WHOLE
    wire = dict[str, list[str]]

    @property
    def says(self) -> str:
        return 'names of events by service, like {"klozeo":["lead.created"]}'


class Secret(FieldType, frozen=True):
    """A secret that signs what is sent."""

    taken = None
    sortable = False

    @property
    def says(self) -> str:
        return f"{secret.BEGINS} and base64 of {secret.LEAST} to {secret.MOST} bytes"

    @property
    def brief(self) -> str:
        return "secret"

    @property
    def legend(self) -> str:
        return ""

    def cleaned(self, value: str) -> str:
        try:
            secret.key_of(value.strip())
        except ValueError:
            raise Invalid(f"must be {self.says}") from None
        return value.strip()
