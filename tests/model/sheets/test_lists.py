"""Several values in one cell, names of countries, words for yes and no."""

import pytest

from crmkit.model.actor import Asker
from crmkit.model.declared.types import declared_type
from crmkit.model.fields import Choice, Country, Currency, Email, Flag, Phone, Tags
from crmkit.model.preferences import Preferences
from crmkit.model.sheets.habits import Habits


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("VIP", ["VIP"]),
        ("Customer,Hot lead", ["Customer", "Hot-lead"]),
        ("Customers;VIP", ["Customers", "VIP"]),
        ("a b; c, d", ["a-b", "c-d"]),
        ("* myContacts ::: * starred", ["myContacts", "starred"]),
        ('"VIP","Newsletter, monthly"', ["VIP", "Newsletter-monthly"]),
        ('["a b","c"]', ["a-b", "c"]),
        ("one\ntwo", ["one", "two"]),
        (" , ;", None),
    ],
)
def test_tags_are_separated_however_a_program_does(cell: str, tags: list[str] | None) -> None:
    assert Tags().from_cell(cell, Habits()) == (tags, "")
    Tags().accept(tags)


@pytest.mark.parametrize(
    ("cell", "first", "rest"),
    [
        ("a@x.example", "a@x.example", ""),
        ("a@x.example, b@x.example", "a@x.example", "b@x.example"),
        ("a@x.example;b@x.example\nc@x.example", "a@x.example", "b@x.example, c@x.example"),
        ("a@x.example ::: b@x.example", "a@x.example", "b@x.example"),
        ("Ada Brandt <a@x.example>", "a@x.example", "Ada Brandt"),
        ("mailto:a@x.example", "a@x.example", ""),
        ("/o=ExampleLabs/cn=Recipients/cn=a", None, "/o=ExampleLabs/cn=Recipients/cn=a"),
        ("no address, at all", "no address, at all", ""),
    ],
)
def test_of_several_addresses_the_first_is_taken_and_the_rest_is_told(cell: str, first: str | None, rest: str) -> None:
    assert Email().from_cell(cell, Habits()) == (first, rest)


def test_who_is_in_charge_is_known_by_an_address_alone() -> None:
    owner = Email(takes_me=True)
    assert owner.from_cell("Sam Seller (sam@seller.example)", Habits()) == ("sam@seller.example", "")
    assert owner.from_cell("me", Habits()) == ("me", "")
    assert owner.from_cell("Sam Seller", Habits()) == (None, "Sam Seller")


@pytest.mark.parametrize(
    ("cell", "first", "rest"),
    [
        ("+1 (555) 010-0101 ::: +1 555 0199", "+1 (555) 010-0101", "+1 555 0199"),
        ("030 5550109, 030 5550110", "030 5550109", "030 5550110"),
        ("+1 555 0112 ext. 9", "+1 555 0112 ext. 9", ""),
        ("+1 555 0112,,9", "+1 555 0112,,9", ""),
        ("\u202a+1 555 0101\u202c", "+1 555 0101", ""),
    ],
)
def test_of_several_phones_the_first_is_taken_and_the_rest_is_told(cell: str, first: str, rest: str) -> None:
    assert Phone(200).from_cell(cell, Habits()) == (first, rest)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("de", "DE"),
        ("Germany", "DE"),
        ("DEUTSCHLAND", "DE"),
        ("United States", "US"),
        ("USA", "US"),
        ("UK", "GB"),
        ("The Netherlands", "NL"),
        ("Côte d’Ivoire", "CI"),
        ("Bosnia and Herzegovina", "BA"),
        ("日本", "JP"),
        ("South Korea", "KR"),
        ("Türkiye", "TR"),
        ("Czech Republic", "CZ"),
    ],
)
def test_a_country_is_known_by_its_code_and_its_names(text: str, code: str) -> None:
    assert Country().from_cell(text, Habits()) == (code, "")


def test_what_is_no_country_is_told() -> None:
    assert Country().from_cell("Atlantis", Habits()) == (None, "Atlantis")


def test_a_currency_is_known_by_its_sign() -> None:
    assert Currency().from_cell("€", Habits()) == ("EUR", "")
    assert Currency().from_cell("$", Habits(Asker(preferences=Preferences(currency="CAD")))) == ("CAD", "")


def test_a_word_of_a_few_is_known_by_its_letters() -> None:
    kinds = Choice(("call", "email", "note"))
    assert [kinds.from_cell(text, Habits())[0] for text in ("E-Mail", "CALL", "Notes", "fax")] == [
        "email",
        "call",
        "Notes",
        "fax",
    ]


def test_yes_and_no_are_known_in_many_words() -> None:
    for word in ("TRUE", "yes", "1", "x", "ja", "Sí", "checked"):
        assert Flag().from_cell(word, Habits()) == (True, "")
    for word in ("False", "no", "0", "Nein", "não", "To do"):
        assert Flag().from_cell(word, Habits()) == (False, "")
    assert Flag().from_cell("maybe", Habits()) == ("maybe", "")


@pytest.mark.parametrize(
    ("word", "cell", "value"),
    [
        ("text", "007", "007"),
        ("number", "1,234", 1234),
        ("number", "1.5", 1.5),
        ("bool", "yes", True),
        ("date", "05 Apr 2026", "2026-04-05"),
        ("time", "2026-03-01 09:14", "2026-03-01T09:14:00Z"),
        ("time", "2026-03-01", "2026-03-01T00:00:00Z"),
        ("choice", "GOLD", "Gold"),
        ("choice", "lead", "lead"),
        ("list", "a; b", ["a", "b"]),
        ("list", "[1,2]", [1, 2]),
        ("object", '{"a":1}', {"a": 1}),
        ("object", "no", "no"),
    ],
)
def test_a_declared_key_reads_a_cell_by_its_type(word: str, cell: str, value: object) -> None:
    assert declared_type(word, ("Gold",) if word == "choice" else ()).from_cell(cell, Habits()) == (value, "")
