"""Which texts tell of a person."""

import json

import pytest

from crmkit.core.erasure.traces import Traces, names, traces
from tests.kinds import CONTACT

VALUES = {
    "name": ["Zoë Ní Bhriain", "Zoë"],
    "email": ["zoe@bhriain.example"],
    "phone": ["+49 170 5557712"],
    "source_id": ["hubspot:4711", "42"],
}
ZOE = traces(CONTACT, {"c_k7m2q9xa"}, VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "deal/d_x  contact_id=c_k7m2q9xa",
        "Zoe Ni Bhriain called",
        "bhriain, ZOË NÍ",
        "import_zoe_ni_bhriain.csv",
        "mailto:Zoe@Bhriain.example.",
        "/contacts?email=zoe%40bhriain.example",
        "/contacts?name=Zo%C3%AB+N%C3%AD+Bhriain",
        json.dumps(["x", {"cell": "Zoë Ní Bhriain"}]),
        json.dumps(["Bhriain", "Zoë Ní"]),
        "0170/555 77 12",
        "from hubspot:4711",
    ],
)
def test_an_id_a_name_an_address_a_number_or_a_key_tells_however_it_is_written(text: str) -> None:
    assert ZOE.tell(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Zoe called",
        "Zoe Ni Bhriain-Smith",
        "mary.zoe@bhriain.example",
        "bhriain.example",
        "42",
        "c_k7m2q9xb",
        "hubspot:47112",
        "0170 5557713",
    ],
)
def test_what_is_of_somebody_else_does_not(text: str) -> None:
    assert not ZOE.tell(text)


def test_without_anything_known_no_text_tells() -> None:
    assert not Traces(()).tell("Jane Kelason c_k7m2q9xa +49 170 5557712")


def test_the_fields_by_which_a_person_is_known_follow_from_the_kind() -> None:
    assert names(CONTACT) == ("name", "email", "source_id", "code", "phone")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "zoe@bhriain.example",
        "[" + "9" * 5000 + ', "zoe@bhriain.example"]',
        "[" * 400 + '"zoe@bhriain.example"' + "]" * 400,
        '{"a":' * 400 + '"zoe@bhriain.example"' + "}" * 400,
    ],
)
def test_a_text_that_is_hardly_json_is_looked_through_too(text: str) -> None:
    assert ZOE.tell(text)
    assert not ZOE.tell(text.replace("zoe", "mary"))
