"""What a POST writes on the record that it merges into: nothing that is empty, and no key of another record."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.records import write
from crmkit.model.actor import Actor
from crmkit.model.record import Kind
from tests.kinds import COMPANY, CONTACT, KINDS
from tests.storage.desk import Desk, desk
from tests.storage.samples import agreeing, body

MERGING = [kind for kind in KINDS if kind.merges_by]
EMPTY: list[Any] = [None, ""]


@pytest.fixture(scope="module")
def back(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("merging") / "data") as opened:
        yield opened


@pytest.fixture
def alice(back: Desk, request: pytest.FixtureRequest) -> Actor:
    """Alice, in a workspace that is hers alone in each test."""
    return back.person(f"alice{abs(hash(request.node.nodeid))}@example.com")


def saved(back: Desk, actor: Actor, kind: Kind, **sent: Any) -> Any:
    return back.do(write.save(Call(back.crm, actor), kind, sent))


@pytest.mark.parametrize("kind", MERGING, ids=lambda kind: kind.name)
def test_a_post_that_merges_clears_no_field(back: Desk, alice: Actor, kind: Kind) -> None:
    sent = agreeing(body(kind, 1, random.Random(5))) | dict.fromkeys(kind.required, "Jane")
    key = kind.merges_by[-1]
    keys = {key: "jane@example.com" if key == "email" else "jane.example"}
    before = saved(back, alice, kind, **sent | keys).record
    for empty in EMPTY:
        blank = {name: empty for name, field in kind.writable.items() if _takes(field.type, empty)} | keys
        again = saved(back, alice, kind, **blank)
        assert not again.created
        assert (again.record, again.notes) == (back.fetch(alice, before), ())
        assert again.record.version == 1
    for name in {"tags", "custom"} & kind.writable.keys():
        assert saved(back, alice, kind, **keys, **{name: [] if name == "tags" else {}}).record.version == 1


def _takes(type_: Any, raw: Any) -> bool:
    try:
        return type_.accept(raw) is None
    except ValueError:
        return False


def test_a_post_that_merges_drops_no_key_of_custom(back: Desk, alice: Actor) -> None:
    saved(back, alice, CONTACT, name="Jane", email="jane@example.com", custom={"size": 3, "color": "red"})
    again = saved(back, alice, CONTACT, email="jane@example.com", custom={"size": None, "color": "blue"}).record
    assert again.custom == {"size": 3, "color": "blue"}


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_a_key_of_custom_that_is_empty_keeps_its_value_in_a_post_that_merges(
    back: Desk, alice: Actor, empty: Any
) -> None:
    saved(back, alice, CONTACT, name="Jane", email="jane@example.com", custom={"size": 3, "tags": ["x"]})
    again = saved(back, alice, CONTACT, email="jane@example.com", custom={"size": empty, "tags": empty}).record
    assert (again.custom, again.version) == ({"size": 3, "tags": ["x"]}, 1)


def test_zero_and_false_are_values_of_a_key_of_custom(back: Desk, alice: Actor) -> None:
    saved(back, alice, CONTACT, name="Jane", email="jane@example.com", custom={"size": 3, "vip": True, "off": 1})
    sent = {"size": 0, "vip": False, "off": 0.0}
    assert saved(back, alice, CONTACT, email="jane@example.com", custom=sent).record.custom == sent


def test_a_status_that_is_null_stays(back: Desk, alice: Actor) -> None:
    deal = next(kind for kind in KINDS if kind.name == "deal")
    saved(back, alice, deal, title="Pilot", source_id="s1", status="won")
    assert saved(back, alice, deal, source_id="s1", status=None).record.status == "won"
    assert saved(back, alice, deal, title="New", status=None).record.status == "open"


def test_of_two_keys_that_lead_to_two_records_the_first_decides_and_the_other_is_left_out(
    back: Desk, alice: Actor
) -> None:
    jane = saved(back, alice, CONTACT, name="Jane", email="jane@example.com", source_id="one").record
    john = saved(back, alice, CONTACT, name="John", code="J-1", source_id="two").record
    again = saved(back, alice, CONTACT, email="JANE@example.com", source_id="two", code="J-1", stage="lead")
    assert (again.record.id, again.record.source_id, again.record.code) == (jane.id, "one", None)
    assert again.record.stage == "lead"
    assert again.notes == (f"source_id belongs to {john.handle}", f"code belongs to {john.handle}")
    assert back.fetch(alice, john) == john


def test_an_address_is_one_in_whatever_notation(back: Desk, alice: Actor) -> None:
    jane = saved(back, alice, CONTACT, name="Jane", email="jane@münchen.example").record
    for notation in ("Jane@MÜNCHEN.example", " jane@xn--mnchen-3ya.example "):
        again = saved(back, alice, CONTACT, email=notation)
        assert (again.record.id, again.created) == (jane.id, False)
    firm = saved(back, alice, COMPANY, name="Acme", domain="acme.example").record
    assert saved(back, alice, COMPANY, domain="https://www.ACME.example/about").record.id == firm.id
