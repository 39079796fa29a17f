"""What becomes of amounts of money and of their currencies."""

from typing import Any

import pytest

from crmkit.core.transfer.mapping import Body, Refused
from tests.core.transfer.mapping.tables import bodies, body, faults, fields
from tests.kinds import COMPANY, DEAL


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1,234.50", ""), {"amount_cents": 123450}),
        (("1234", "EUR"), {"amount_cents": 123400, "currency": "EUR"}),
        (("€ 5", ""), {"amount_cents": 500, "currency": "EUR"}),
        (("$5", "cad"), {"amount_cents": 500, "currency": "CAD"}),
        (("(5.00)", ""), {"amount_cents": -500}),
        (("100", "JPY"), {"amount_cents": 10000, "currency": "JPY"}),
    ],
)
def test_plain_numbers_in_a_column_of_money_are_whole_units(cells: tuple[str, str], expected: dict[str, Any]) -> None:
    assert body(["title", "Amount", "Currency"], "A", *cells, kind=DEAL) == {"title": "A", **expected}


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        (("1.005", ""), "has more decimals than USD has"),
        (("1.5", "JPY"), "has more decimals than JPY has"),
        (("€ 5", "USD"), "is in EUR, but currency is USD"),
        (("kr 5", ""), "kr may be one of SEK, NOK, DKK or ISK"),
        (("a lot", ""), "must be an amount like 1234.50"),
    ],
)
def test_an_amount_that_is_none_refuses_its_row(cells: tuple[str, str], fault: str) -> None:
    assert faults(["title", "Amount", "Currency"], "A", *cells, kind=DEAL)["amount_cents"].startswith(fault)


@pytest.mark.parametrize("cells", [("2.000 €", "12.500 €"), ("2.000", "3"), ("€2.000", "USD 1,000.00")])
def test_an_amount_whose_sign_may_group_thousands_refuses_its_row(cells: tuple[str, str]) -> None:
    found = bodies(["title", "Betrag"], *(("A", cell) for cell in cells), kind=DEAL)[0]
    assert isinstance(found, Refused)
    assert found.fields["amount_cents"].startswith("has more decimals than ")
    assert found.fields["amount_cents"].endswith("; write 2000 if its sign groups thousands")


def test_an_amount_whose_sign_can_only_stand_before_a_fraction_is_read() -> None:
    for cell, cents in (("2000.0000", 200_000), ("1,234.000", 123_400), ("0.500", 50), ("2.00", 200)):
        assert body(["title", "Amount"], "A", cell, kind=DEAL)["amount_cents"] == cents, cell
    found = bodies(["title", "Betrag"], ("A", "2.000"), ("B", "1.234,50"), kind=DEAL)
    assert [each.values["amount_cents"] for each in found if isinstance(each, Body)] == [200_000, 123_450]
    assert body(["title", "Amount", "Currency"], "A", "2.000", "KWD", kind=DEAL)["amount_cents"] == 200


def test_a_currency_of_three_decimals_is_kept_in_hundredths() -> None:
    told = faults(["title", "Amount", "Currency"], "A", "2.125", "KWD", kind=DEAL)["amount_cents"]
    assert told == "has a fraction of a hundredth of KWD, and amounts are kept in hundredths"


def test_a_whole_number_that_may_be_in_groups_is_not_read_as_a_small_one() -> None:
    found = body(["Company", "Company employees"], "Acme", "2.000", kind=COMPANY)
    assert found == {"name": "Acme", "custom": {"Company employees": "2.000"}}


@pytest.mark.parametrize(
    ("cell", "code"),
    [("Euro", "EUR"), ("euros", "EUR"), ("US Dollar", "USD"), ("EUR - Euro", "EUR"), ("Swiss Franc (CHF)", "CHF")],
)
def test_a_currency_is_known_by_its_name(cell: str, code: str) -> None:
    found = body(["title", "Amount", "Currency"], "A", "5", cell, kind=DEAL)
    assert (found["amount_cents"], found["currency"]) == (500, code)


@pytest.mark.parametrize("cell", ["XYZ", "Talers", "ABC - Talers"])
def test_a_currency_that_is_none_is_left_to_the_check_of_its_field(cell: str) -> None:
    assert body(["title", "Amount", "Currency"], "A", "5", cell, kind=DEAL)["currency"] == cell


def test_a_title_tells_the_currency_of_its_amounts() -> None:
    for title in ("Amount (EUR)", "Amount in EUR", "Amount €", "Deal value [EUR]"):
        assert body(["title", title], "A", "5", kind=DEAL) == {"title": "A", "amount_cents": 500, "currency": "EUR"}, (
            title
        )
    assert body(["title", "Summe (EUR)"], "A", "5", kind=DEAL, map={"Summe (EUR)": "amount_cents"})["currency"] == "EUR"
    assert body(["title", "Amount (EUR)", "Currency"], "A", "5", "EUR", kind=DEAL)["amount_cents"] == 500
    assert "amount_cents" in faults(["title", "Amount (EUR)", "Currency"], "A", "5", "USD", kind=DEAL)
    assert fields(["title", "Amount (net)", "Notes EUR"], kind=DEAL) == [
        "title",
        'custom."Amount (net)"',
        'custom."Notes EUR"',
    ]


def test_a_column_of_cents_has_cents() -> None:
    assert body(["title", "amount_cents"], "A", "1234", kind=DEAL)["amount_cents"] == 1234
    assert body(["title", "Betrag"], "A", "12", kind=DEAL, map={"Betrag": "amount_cents"})["amount_cents"] == 1200
