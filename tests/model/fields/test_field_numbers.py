"""Numbers with a fraction, bounded ones, and addresses of pages: what fits, and how it is stored and compared."""

from typing import Any

import pytest

from crmkit.model.fields import MAX_EXACT, Identifier, Integer, Invalid, Number, Website
from crmkit.model.record import Kind
from tests.kinds import COMPANY, REGISTRY
from tests.model.fields.refusal import refusal


@pytest.mark.parametrize("raw", [0, 5, -7, 4.5, 1e300, -1e-300, 2**63 - 1])
def test_a_number_is_any_number_of_json(raw: float) -> None:
    assert Number().accept(raw) == float(raw)
    assert Number().operand(repr(raw)) == float(raw)
    assert isinstance(Number().accept(raw), float)


def test_minus_nought_is_nought() -> None:
    assert [str(zero) for zero in (Number().accept(-0.0), Number().operand("-0"))] == ["0.0", "0.0"]


@pytest.mark.parametrize("raw", ["4", True, [1], {}, "", "x"])
def test_what_is_no_number_is_refused(raw: Any) -> None:
    assert refusal(Number(), raw) == "must be a number"


@pytest.mark.parametrize("text", ["", " ", "nan", "inf", "1e999", "1_0", "0x1", "٣", "1,5", "1.2.3", "--1", "1e"])
def test_a_filter_by_what_no_number_is_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="must be a number"):
        Number().operand(text)


def test_a_bounded_number_says_its_bounds() -> None:
    latitude = Number(-90, 90)
    assert [latitude.accept(raw) for raw in (-90, 90, 47.37)] == [-90.0, 90.0, 47.37]
    for raw in (90.0001, -91, 1e300):
        assert refusal(latitude, raw) == "must be a number from -90 to 90"
    assert (refusal(Integer(0), -1), Integer(0).accept(0)) == ("must be a whole number, not negative", 0)


@pytest.mark.parametrize(
    "raw",
    [
        *("acme.com", "www.acme.com", "https://acme.com", "HTTP://Acme.com:8080/a?b=c#d", "acme.com/ünï"),
        *("https://example.ch/%20?q=1", "müller.example", "http://localhost:8000/a"),
    ],
)
def test_a_website_is_kept_as_it_was_written(raw: str) -> None:
    assert Website().accept(f" {raw} ") == raw


@pytest.mark.parametrize(
    "raw",
    [
        *("javascript:alert(1)", "data:text/html,x", "ftp://acme.com", "mailto:jane@acme.com", "file:///etc/passwd"),
        *("acme", "http://", "https:///x", "acme.com/a b", "acme.com/a\nb", "acme.com/\u202eb", "10.0.0.1"),
        *("//acme.com", "//acme.com/a", "localhost", "localhost:8000/a"),
        "acme.com/" + "x" * 2_000,
    ],
)
def test_what_is_no_website_is_refused(raw: str) -> None:
    assert refusal(Website(), raw)


def test_websites_compare_without_case_and_by_parts() -> None:
    assert Website().key("https://Acme.com/A") == Website().operand("HTTPS://acme.com/a") == "https://acme.com/a"
    assert Website().part("ACME") == "acme"


def test_the_case_of_an_identifier_counts() -> None:
    id = Identifier(20)
    assert (id.accept(" aB "), id.operand("aB"), id.part("B"), id.key_column) == ("aB", "aB", "B", "")
    assert id.says == "text of at most 20 characters, whose case counts"


@pytest.mark.parametrize(("kind", "name"), [(COMPANY, "employees"), (REGISTRY.by_word["activity"], "duration_minutes")])
def test_counts_are_no_larger_than_what_every_json_reader_holds(kind: Kind, name: str) -> None:
    counted = kind.by_name[name].type
    assert counted.accept(MAX_EXACT) == MAX_EXACT
    assert refusal(counted, MAX_EXACT + 1) == "must be a whole number from 0 to 9,007,199,254,740,991"
