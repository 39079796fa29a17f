"""vCard 4.0 (RFC 6350): a card for each person, with what address books know of one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from crmkit.model.record import Kind
from crmkit.render.files.cards.lines import plain, stamp, structured, text, texts, written
from crmkit.render.files.columns import Row
from crmkit.render.files.writer import Writer

Values = Mapping[str, Any]

# the fields that become a property each, and how its value is written
_PROPERTIES: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("job_title", "TITLE", text),
    ("company_name", "ORG", text),
    ("email", "EMAIL", text),
    ("phone", "TEL", text),
    ("website", "URL", plain),
    ("timezone", "TZ", text),
    ("tags", "CATEGORIES", texts),
    ("notes", "NOTE", text),
    ("updated_at", "REV", stamp),
)
_ADDRESS = ("address", "city", "region", "postal_code", "country")


class VcardWriter(Writer):
    """Cards, each with the name of its person, whichever fields were chosen."""

    media_type = "text/vcard; charset=utf-8"

    @classmethod
    def has(cls, kind: Kind) -> bool:
        return kind.is_person

    @classmethod
    def reads(cls, kind: Kind) -> tuple[str, ...]:
        return (kind.title.name,)

    def rows(self, batch: Sequence[Row]) -> bytes:
        fields, title = self.options.fields, self.kind.title.name
        return b"".join(written(_card(id, title, dict(zip(fields, values, strict=True)))) for id, *values in batch)


def _card(id: str, title: str, values: Values) -> Iterator[str]:
    yield from ("BEGIN:VCARD", "VERSION:4.0", f"UID;VALUE=text:{id}", f"FN:{text(values[title])}")
    if values.get("first_name") or values.get("last_name"):
        yield f"N:{structured(values.get('last_name'), values.get('first_name'), None, None, None)}"
    if any(values.get(name) for name in _ADDRESS):
        yield f"ADR:{structured(None, None, *(values.get(name) for name in _ADDRESS))}"
    if values.get("latitude") is not None and values.get("longitude") is not None:
        yield f"GEO:geo:{_degrees(values['latitude'])},{_degrees(values['longitude'])}"
    for name, called, write in _PROPERTIES:
        if values.get(name):
            yield f"{called}:{write(values[name])}"
    yield "END:VCARD"


def _degrees(value: float) -> str:
    """Return a number as the URI of a place has it: without an exponent (RFC 5870, 3.3)."""
    return f"{value:.10f}".rstrip("0").removesuffix(".")
