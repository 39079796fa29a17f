"""What a record holds once another is merged into it, field by field."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.configuration import pipelines
from crmkit.core.merging import merge as merging
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.record import Kind, Tracked
from tests.kinds import COMPANY, CONTACT, KINDS
from tests.storage.desk import Desk, desk
from tests.storage.samples import agreeing, body


@pytest.fixture(scope="module")
def back(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("united") / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def alice(back: Desk) -> Actor:
    return back.person()


def shown(back: Desk, alice: Actor, stays: Any, goes: Any, kind: Kind = CONTACT) -> Problem:
    """Return the first step's answer."""
    with pytest.raises(Problem) as raised:
        back.do(merging.merge(Call(back.crm, alice), kind, stays.id, {"from": goes.id}))
    return raised.value


def merged(back: Desk, alice: Actor, stays: dict[str, Any], goes: dict[str, Any], kind: Kind = CONTACT) -> Any:
    one, other = (back.make(alice, kind, **{"name": "Jane", **sent}) for sent in (stays, goes))
    return back.merge(alice, one, other)


MERGEABLE = [kind for kind in KINDS if kind.is_mergeable]


@pytest.mark.parametrize("kind", MERGEABLE, ids=lambda kind: kind.name)
def test_a_record_without_anything_gets_everything(tmp_path: Path, kind: Kind) -> None:
    """Of every field that clients write, and of every one of a unique value."""
    with desk(tmp_path / "data") as own:
        alice = own.person()
        full = {
            name: value for name, value in agreeing(body(kind, 0, random.Random(1))).items() if name != "company_id"
        }
        if kind is CONTACT:
            full["company_id"] = own.make(alice, COMPANY, name="Acme").id
        goes = own.make(alice, kind, **full)
        stays = own.make(alice, kind, name="Kept")
        found = own.merge(alice, stays, goes)
        told = {"name", "name_composed", "last_interaction_at", *Tracked.__struct_fields__}
        for name in (each for each in kind.members if each not in told):
            assert getattr(found, name) == getattr(goes, name), name
        assert (found.name, found.id, found.version) == ("Kept", stays.id, 2)


@pytest.mark.parametrize("kind", MERGEABLE, ids=lambda kind: kind.name)
def test_a_record_with_everything_keeps_it(tmp_path: Path, kind: Kind) -> None:
    with desk(tmp_path / "data") as own:
        alice = own.person()
        one, other = (
            {
                name: value
                for name, value in agreeing(body(kind, number, random.Random(number))).items()
                if not name.endswith("_id")
            }
            for number in (0, 1)
        )
        stays = own.make(alice, kind, **{**one, "name": "Kept"})
        goes = own.make(alice, kind, **{**other, "name": "Other"})
        found = own.merge(alice, stays, goes)
        for field in kind.writable.values():
            if not field.type.merges and getattr(stays, field.name) is not None:
                assert getattr(found, field.name) == getattr(stays, field.name), field.name


def test_tags_are_united_whatever_case_and_custom_key_by_key(back: Desk, alice: Actor) -> None:
    found = merged(
        back,
        alice,
        {"tags": ["VIP", "a"], "custom": {"x": 1, "deep": {"a": 1}}},
        {"tags": ["vip", "b"], "custom": {"x": 2, "y": [3], "deep": {"b": 2}}},
    )
    assert found.tags == ["VIP", "a", "b"]
    assert found.custom == {"x": 1, "deep": {"a": 1}, "y": [3]}


@pytest.mark.parametrize(
    ("stays", "goes", "expected"),
    [
        ({"city": "Rome"}, {"city": "Oslo", "country": "NO", "latitude": 1, "longitude": 2}, ("Rome", None, None)),
        ({"city": "Rome"}, {"city": "rome", "country": "IT", "latitude": 1, "longitude": 2}, ("Rome", "IT", 1)),
        ({}, {"city": "Oslo", "country": "NO"}, ("Oslo", "NO", None)),
        ({"city": "Rome"}, {"country": "IT"}, ("Rome", "IT", None)),
    ],
)
def test_an_address_is_filled_unless_the_other_is_another(
    back: Desk, alice: Actor, stays: dict[str, Any], goes: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    found = merged(back, alice, stays, goes)
    assert (found.city, found.country, found.latitude) == expected


def test_an_amount_of_another_currency_is_left_out_and_told(back: Desk, alice: Actor) -> None:
    stays = back.save(alice, name="Jane", estimated_cents=100, currency="EUR")
    goes = back.save(alice, name="Jane", actual_cents=50, currency="USD")
    asked = shown(back, alice, stays, goes)
    assert asked.facts["dropped"] == {"actual_cents": 50, "currency": "USD"}
    assert "keeps currency=EUR (not USD) and does not get actual_cents=50. " in asked.hint
    found = back.merge(alice, stays, goes)
    assert (found.estimated_cents, found.actual_cents, found.currency) == (100, None, "EUR")
    found = merged(back, alice, {}, {"actual_cents": 50, "currency": "USD"})
    assert (found.actual_cents, found.currency) == (50, "USD")


def test_a_note_on_a_follow_up_stays_with_its_day(back: Desk, alice: Actor) -> None:
    day, other = "2026-07-01T09:00:00Z", "2026-08-01T09:00:00Z"
    found = merged(back, alice, {"follow_up_at": day}, {"follow_up_at": other, "follow_up_note": "Call"})
    assert (found.follow_up_at, found.follow_up_note) == (day, None)
    found = merged(back, alice, {}, {"follow_up_at": other, "follow_up_note": "Call"})
    assert (found.follow_up_at, found.follow_up_note) == (other, "Call")


@pytest.mark.parametrize(
    ("stays", "goes", "phone"),
    [
        ({"country": "US"}, {"country": "DE", "phone": "030 1234567"}, "+49301234567"),
        ({"country": "US"}, {"country": "DE", "phone": "+49 30 1234567"}, "+49 30 1234567"),
        ({"country": "DE"}, {"country": "DE", "phone": "030 1234567"}, "030 1234567"),
        ({}, {"country": "DE", "phone": "030 1234567"}, "030 1234567"),
        ({"country": "US"}, {"country": "DE", "phone": "030 1234567 ext. 9"}, "030 1234567 ext. 9"),
        ({"country": "US"}, {"phone": "030 1234567"}, "030 1234567"),
        ({"country": "US", "phone": "1"}, {"country": "DE", "phone": "030 1234567"}, "1"),
    ],
)
def test_a_phone_number_means_the_same_in_another_country(
    back: Desk, alice: Actor, stays: dict[str, Any], goes: dict[str, Any], phone: str
) -> None:
    found = merged(back, alice, stays, goes)
    assert found.phone == phone
    if "9" not in phone[-1:]:
        assert found.id in {each.id for each in back.find(alice, phone="+49 30 1234567").records} or phone in (
            "1",
            "030 1234567",
        )


def test_a_name_follows_its_parts_unless_it_was_set_apart(back: Desk, alice: Actor) -> None:
    one = back.save(alice, first_name="Jane")
    other = back.save(alice, first_name="Janet", last_name="Doe")
    asked = shown(back, alice, one, other)
    assert asked.facts["kept"] == {"name": "Jane Doe", "first_name": "Jane"}
    assert asked.facts["dropped"] == {"name": "Janet Doe", "first_name": "Janet"}
    assert asked.facts["filled"] == {"last_name": "Doe"}
    found = back.merge(alice, one, other)
    assert (found.name, found.last_name, found.name_composed) == ("Jane Doe", "Doe", True)
    apart = merged(back, alice, {"name": "JD"}, {"name": "JD2", "first_name": "Jane", "last_name": "Doe"})
    assert (apart.name, apart.first_name, apart.name_composed) == ("JD", "Jane", None)


def test_the_hint_says_of_each_field_whose_value_stays(back: Desk, alice: Actor) -> None:
    stays = back.save(alice, name="Jane Doe", stage="lead", custom={"x": 1})
    goes = back.save(alice, name="J. Doe", stage="customer", custom={"x": 2, "y": 3}, notes="wool " * 50)
    asked = shown(back, alice, stays, goes)
    assert asked.code == "confirmation_required"
    assert asked.hint.startswith(
        f'{goes.handle} ("J. Doe") goes into {stays.handle} ("Jane Doe"). It keeps name="Jane Doe" (not "J. Doe"), '
        "stage=lead (not customer) and custom.x=1 (not 2) and gets "
    )
    assert "custom.y=3. The activities, deals, tasks, tickets, conversions and campaign memberships of " in asked.hint
    assert asked.hint.endswith(
        f"{goes.id} move, and {goes.id} answers as {stays.id}. Ask the user, then within 10 minutes: "
        f'POST /contacts/{stays.id}/merge?confirm={asked.facts["confirm"]} {{"from":"{goes.id}"}}'
    )
    assert len(asked.hint) < 700
    assert asked.facts["filled"] == {"custom.y": 3, "notes": goes.notes}
    assert (asked.facts["from"], asked.facts["into"]) == (goes.handle, stays.handle)


def test_the_hint_stays_short_however_many_keys_there_are(back: Desk, alice: Actor) -> None:
    stays = back.save(alice, name="Jane")
    goes = back.save(alice, name="Jane", custom={f"{n} {'key' * 90}": "x" * 30 for n in range(99)})
    asked = shown(back, alice, stays, goes)
    assert "… and 59 more. The activities" in asked.hint.replace("=" + "x" * 30, "…").replace("……", "…")
    assert len(asked.hint) < 5_000
    assert len(asked.facts["filled"]) == 99


def test_what_is_too_long_together_is_refused_before_anything_is_asked(back: Desk, alice: Actor) -> None:
    one, other = (back.save(alice, name="Jane", tags=[f"{word}{n}" for n in range(30)]) for word in "ab")
    asked = shown(back, alice, one, other)
    assert (asked.code, asked.fields) == ("invalid_value", {"tags": "has 60 tags; at most 50 fit"})


def test_a_stage_that_a_strict_pipeline_has_no_more_is_kept(back: Desk, alice: Actor) -> None:
    goes = back.save(alice, name="Jane", stage="ancient")
    stays = back.save(alice, name="Jane")
    sent = {"stages": [{"name": "new"}], "strict": True}
    back.do(pipelines.put(Call(back.crm, alice), CONTACT, sent))
    assert back.merge(alice, stays, goes).stage == "ancient"
