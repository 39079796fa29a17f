"""Numbers and money as other programs write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model.fields import Integer, Number
from crmkit.model.sheets import numbers
from crmkit.model.sheets.habits import Habits


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1234.5", ".", "1234.5"),
        ("1,234.50", ".", "1234.50"),
        ("1,234", ".", "1234"),
        ("1.234", ",", "1234"),
        ("1.234,50", ",", "1234.50"),
        ("1'234.50", ".", "1234.50"),
        ("1\u2019234", ".", "1234"),
        ("1 234,50", ",", "1234.50"),
        ("1\u202f234,50", ",", "1234.50"),
        ("1.234.567", ",", "1234567"),
        ("(5.00)", ".", "-5.00"),
        ("\u22125", ".", "-5"),
        ("- 5", ".", "-5"),
        ("+5", ".", "5"),
        ("1e3", ".", "1000"),
        (".5", ".", "0.5"),
    ],
)
def test_a_number_is_read(text: str, decimal: str, value: str) -> None:
    assert numbers.number(text, decimal) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "abc", "1,23", "1,2345", "12,345,6", "1.2.3", "1 2", "0x10", "1e999", "--5", "1" * 90, "NaN"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert numbers.number(text, ".") is None


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("1234", ""),
        ("1.234", ""),
        ("1,234", ""),
        ("12,50", ","),
        ("12.50", "."),
        ("1.234,5", ","),
        ("1,234.5", "."),
        ("1.234.567", ","),
        ("0.123", "."),
        ("€ 1.234,56", ","),
        ("abc", ""),
    ],
)
def test_a_number_tells_the_sign_before_its_fraction_where_it_can_be_only_one(text: str, sign: str) -> None:
    assert numbers.decimal_sign(text) == sign


@given(st.integers(-(10**12), 10**12), st.sampled_from((",", ".", "'", " ")))
def test_whole_numbers_in_groups_are_read_back(value: int, group: str) -> None:
    text = f"{value:,}".replace(",", group)
    assert numbers.number(text, "," if group == "." else ".") == value


@pytest.mark.parametrize(
    ("text", "amount", "sign"),
    [
        ("1234.5", "1234.5", ""),
        ("$1,234.50", "1234.50", "$"),
        ("-$5", "-5", "$"),
        ("$-5", "-5", "$"),
        ("($5.00)", "-5.00", "$"),
        ("USD 5", "5", "USD"),
        ("5 €", "5", "€"),
        ("R$ 5", "5", "R$"),
        ("kr 100", "100", "kr"),
        ("5.00 zł", "5.00", "zł"),
    ],
)
def test_an_amount_is_read_with_the_sign_of_its_currency(text: str, amount: str, sign: str) -> None:
    assert numbers.money(text, ".") == (Decimal(amount), sign)


@pytest.mark.parametrize("text", ["", "abc", "$", "USD 5 EUR", "5 to 6"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert numbers.money(text, ".") is None


def test_a_sign_of_several_currencies_is_the_preferred_one() -> None:
    assert [numbers.currency("$", each) for each in ("USD", "CAD", "EUR")] == ["USD", "CAD", "USD"]
    assert [numbers.currency("kr", each) for each in ("NOK", "EUR")] == ["NOK", None]
    assert [numbers.currency(each, "USD") for each in ("€", "eur", "zł", "xx")] == ["EUR", "EUR", "PLN", None]


def test_amounts_become_hundredths_unless_they_have_more_decimals_than_the_currency() -> None:
    cents = [
        ("12.34", "USD", 1234),
        ("12.3400", "USD", 1234),
        ("12.340", "USD", None),
        ("12.345", "USD", None),
        ("100", "JPY", 10000),
    ]
    cents += [("100.5", "JPY", None), ("1.250", "KWD", 125), ("1.255", "KWD", None), ("-3", "EUR", -300)]
    for amount, currency, value in cents:
        assert numbers.cents(Decimal(amount), currency) == value


def test_a_whole_number_of_a_field_has_no_fraction() -> None:
    assert Integer(0, 100).from_cell("20%", Habits()) == (20, "")
    assert Integer().from_cell("1,000", Habits()) == (1000, "")
    assert Integer().from_cell("1.5", Habits()) == ("1.5", "")
    assert Number().from_cell("1.5", Habits()) == (1.5, "")
    assert Number().from_cell("1,5", Habits(decimal=",")) == (1.5, "")
