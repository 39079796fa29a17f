"""vCard: libraries of others read the cards."""

import re
from typing import Any

import icalendar
import pytest
import vobject
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crmkit.model.record import Record
from crmkit.render.files.cards.lines import plain, text
from crmkit.render.files.registry import WRITERS, fields_of, formats_of
from tests.kinds import ACTIVITY, AUDIT, CONTACT, KINDS
from tests.render.drawn import records_of
from tests.render.files.reading import rows_of, written
from tests.render.lines import contact, examples

WHOLE = {
    "name": "Jane Doe; CEO, Acme",
    "first_name": "Jane",
    "last_name": "Doe",
    "job_title": "CEO",
    "company_name": "Acme, Inc.",
    "email": "jane@acme.com",
    "phone": "+49 30 1234-5",
    "website": "https://acme.com/a;b?c=1,2",
    "timezone": "Europe/Berlin",
    "tags": ["vip", "a;b"],
    "notes": "a\r\nb\\n\u2028c\x07",
    "address": "Main St. 1",
    "city": "Berlin",
    "region": "BE",
    "postal_code": "10115",
    "country": "DE",
    "latitude": 52.52,
    "longitude": -1e-7,
}


def cards(*found: Record, fields: tuple[str, ...] = ()) -> str:
    return written("vcf", CONTACT, rows_of(found, fields or CONTACT.names[1:]), fields).decode()


def test_a_card_has_what_address_books_know() -> None:
    assert cards(contact(**WHOLE)).replace("\r\n", "\n") == (
        "BEGIN:VCARD\nVERSION:4.0\nUID;VALUE=text:c_k7m2q9xa\nFN:Jane Doe\\; CEO\\, Acme\nN:Doe;Jane;;;\n"
        "ADR:;;Main St. 1;Berlin;BE;10115;DE\nGEO:geo:52.52,-0.0000001\nTITLE:CEO\nORG:Acme\\, Inc.\n"
        "EMAIL:jane@acme.com\nTEL:+49 30 1234-5\nURL:https://acme.com/a;b?c=1,2\nTZ:Europe/Berlin\n"
        "CATEGORIES:vip,a\\;b\nNOTE:a\\nb\\\\n\\nc\nREV:20260610T090000Z\nEND:VCARD\n"
    )


def test_what_is_empty_or_was_not_chosen_is_left_out_but_for_the_name() -> None:
    names = fields_of("vcf", CONTACT, ("email",))
    assert names == ("email", "name")
    assert "EMAIL" in cards(contact(**WHOLE), fields=names)
    lines = cards(contact(name="Jane"), fields=names).split("\r\n")
    assert lines == ["BEGIN:VCARD", "VERSION:4.0", "UID;VALUE=text:c_k7m2q9xa", "FN:Jane", "END:VCARD", ""]


def by_vobject(content: str) -> list[dict[str, Any]]:
    return [
        {name: [each.value for each in lines] for name, lines in card.contents.items()}
        for card in vobject.readComponents(content)
    ]


def by_icalendar(content: str) -> list[dict[str, Any]]:
    """Return what it finds in lines of one text: it takes GEO for that of calendars, and `\\\\;` for an escaped `;`."""
    of_text = re.sub("\n(?:GEO|N|ADR|ORG):.*\r", "", content.replace("\r\n ", ""))
    found = icalendar.Component.from_ical(of_text, multiple=True)
    return [{name.lower(): str(value) for name, value in card.items()} for card in found]


@settings(examples(40), phases=[Phase.generate])
@given(st.lists(records_of(CONTACT), min_size=1, max_size=3))
def test_libraries_of_others_read_any_card(found: list[Record]) -> None:
    content = cards(*found)
    assert all(len(line.encode()) <= 75 for line in content.split("\r\n"))
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]", content)
    for one, card, other in zip(found, by_vobject(content), by_icalendar(content), strict=True):
        values = {name: getattr(one, name) for name in CONTACT.by_name}
        for name, property in (("name", "fn"), ("job_title", "title"), ("email", "email"), ("notes", "note")):
            if values[name]:
                assert card[property] == [plain(values[name])]
                assert other[property] in (
                    plain(values[name]),
                    text(values[name]),
                )  # what it does not know stays escaped
        if values["tags"]:
            assert card["categories"] == [[plain(tag) for tag in values["tags"]]]
        if any(values[name] for name in ("first_name", "last_name")):
            (name,) = card["n"]
            assert (name.given, name.family) == (plain(values["first_name"] or ""), plain(values["last_name"] or ""))


def test_only_kinds_of_persons_have_cards() -> None:
    assert [kind.name for kind in (*KINDS, ACTIVITY, AUDIT) if "vcf" in formats_of(kind)] == ["contact"]
    assert formats_of(CONTACT) == tuple(WRITERS)
    assert formats_of(AUDIT) == ("csv", "json", "jsonl", "xlsx")


@pytest.mark.parametrize("size", range(60, 90))
def test_a_long_line_is_folded_between_characters(size: int) -> None:
    name = "é" * size
    lines = cards(contact(name=name), fields=("name",)).split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    assert f"FN:{name}" in cards(contact(name=name), fields=("name",)).replace("\r\n ", "")
