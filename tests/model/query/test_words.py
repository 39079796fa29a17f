"""What `explain=1` says of a query."""

from zoneinfo import ZoneInfo

import pytest

from crmkit.model.actor import Asker
from crmkit.model.query.parse import parse
from crmkit.model.query.words import read_as
from crmkit.model.record import Kind
from tests.kinds import ACTIVITY, AUDIT, CONTACT, DEAL
from tests.model.query.queries import every_kind

ASKER = Asker("ada@example.com", ZoneInfo("Europe/Berlin"), now="2026-06-10T09:00:00Z")

SAID = {
    "": "all contacts; newest updated_at first",
    "stage=lead": "contacts whose stage is lead; newest updated_at first",
    "stage=in:lead,won&or.owner=me&or.tags=vip": (
        "contacts whose stage is lead or won, and whose owner is ada@example.com or whose tags have vip; "
        "newest updated_at first"
    ),
    "name=like:Jane Doe&sort=name,-created_at": (
        'contacts whose name contains "Jane Doe"; by name, then newest created_at first'
    ),
    "stage=ne:lead&email=not:null&phone=is:null&limit=5": (
        "contacts whose stage is not lead (or is empty), and whose email is not empty, and whose phone is empty; "
        "newest updated_at first; 5 on a page"
    ),
    "tags=vip,saas&tags=in:a,b,c": (
        "contacts whose tags have vip and saas, and whose tags have a, b or c; newest updated_at first"
    ),
    "search=jane acme": 'contacts found by the search for "jane acme"; best match first',
    "search=jane&sort=-score": 'contacts found by the search for "jane"; greatest score first',
    "custom.size=gt:5": "contacts whose custom.size is above 5; newest updated_at first",
    "created_at=2026-06-10": (
        "contacts whose created_at is 2026-06-10 (2026-06-09T22:00:00Z to 2026-06-10T21:59:59Z); "
        "days of Europe/Berlin; newest updated_at first"
    ),
    "created_at=between:2026-06-10,2026-06-12T00:00:00Z&or.updated_at=in:2026-06-01,2026-06-03&or.name=starts:J": (
        "contacts whose created_at is from 2026-06-10 (2026-06-09T22:00:00Z) to 2026-06-12T00:00:00Z, and whose "
        "updated_at is 2026-06-01 (2026-05-31T22:00:00Z to 2026-06-01T21:59:59Z) or 2026-06-03 "
        "(2026-06-02T22:00:00Z to 2026-06-03T21:59:59Z) or whose name starts with J; days of Europe/Berlin; "
        "newest updated_at first"
    ),
    "created_at=during:last_week&updated_at=gte:-30d&follow_up_at=today": (
        "contacts whose created_at is in last_week (2026-05-31T22:00:00Z until 2026-06-07T22:00:00Z), and whose "
        "updated_at is -30d (2026-05-11T09:00:00Z) or later, and whose follow_up_at is today (2026-06-09T22:00:00Z to "
        "2026-06-10T21:59:59Z); days of Europe/Berlin; newest updated_at first"
    ),
    "or.created_at=during:all_time&or.created_at=lt:+2w": (
        "contacts whose created_at is in all_time or whose created_at is before +2w (2026-06-24T09:00:00Z); "
        "days of Europe/Berlin; newest updated_at first"
    ),
    "tags=none:vip,cold&name=unlike:x&location=within:52.5,13.4,5": (
        "contacts whose tags have none of vip or cold (or are empty), and whose name does not contain x (or is empty), "
        "and whose location is within 5 km of 52.5, 13.4; newest updated_at first"
    ),
    "follow_up_at=lt:2026-06-10&or.stage=lead&or.updated_at=gte:2026-06-01T00:00:00Z": (
        "contacts whose follow_up_at is before 2026-06-10 (2026-06-09T22:00:00Z), and whose stage is lead or whose "
        "updated_at is 2026-06-01T00:00:00Z or later; days of Europe/Berlin; newest updated_at first"
    ),
}


def said(kind: Kind, pairs: list[tuple[str, str]]) -> str:
    return read_as(kind, pairs, parse(kind, pairs, ASKER), ASKER)


@pytest.mark.parametrize("text", SAID)
def test_a_query_is_said_in_words(text: str) -> None:
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in text.split("&")) if name]
    assert said(CONTACT, pairs) == SAID[text]


def test_the_order_of_a_kind_is_said() -> None:
    assert said(DEAL, [("sort", "amount_cents")]) == "all deals; least amount_cents first"
    assert said(ACTIVITY, []) == "all activities; newest occurred_at first"
    assert said(AUDIT, [("by", "me")]).endswith("whose by is ada@example.com; newest first")


def test_a_value_of_a_stranger_is_told_from_our_words() -> None:
    hostile = "lead; newest first\n# next: x, and whose name is y"
    found = said(CONTACT, [("stage", hostile)])
    assert found.startswith('contacts whose stage is "lead; newest first\\n# next:')
    many = said(CONTACT, [("stage", "in:" + ",".join(map(str, range(30))))])
    assert "7, 8, 9 or 20 others;" in many


@every_kind
def test_every_operator_of_every_field_has_words(kind: Kind) -> None:
    for field in kind.fields:
        for operator in field.type.operators:
            if operator in ("is", "not"):
                found = said(kind, [(field.name, f"{operator}:null")])
                assert f" whose {field.name} is" in found
