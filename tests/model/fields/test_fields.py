"""What each type of field takes, refuses and compares with."""

from types import NoneType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import ids
from crmkit.model.fields import (
    MAX_EXACT,
    MAX_INTEGER,
    Choice,
    Currency,
    Custom,
    Domain,
    Email,
    FieldType,
    Integer,
    Invalid,
    Link,
    LongText,
    Phone,
    Text,
)
from crmkit.model.iso_codes import CURRENCIES
from tests.kinds import ACTIVITY, AUDIT, KINDS, PREFIXES
from tests.model.fields.refusal import refusal
from tests.render.drawn import DRAW, json_objects, scalars

CONTACT_ID = "c_k7m2q9x" + ids.check_character("k7m2q9x")
TYPES = list({repr(field.type): field.type for kind in (*KINDS, ACTIVITY, AUDIT) for field in kind.fields}.values())
every_type = pytest.mark.parametrize("type_", TYPES, ids=repr)


@every_type
def test_null_and_empty_text_are_no_value(type_: FieldType) -> None:
    assert type_.accept(None) is None
    if type_.wire is str and not isinstance(type_, Custom):
        assert type_.accept("") is None


@every_type
def test_any_json_is_stored_or_refused_and_what_is_stored_is_taken_again_unchanged(type_: FieldType) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.one_of(scalars, st.lists(scalars, max_size=3), json_objects, DRAW[type(type_)](type_)))
    def holds(raw: Any) -> None:
        try:
            value = type_.accept(raw)
        except Invalid as error:
            assert str(error).splitlines() == [str(error)]
            return
        assert value is None or type_.accept(value) == value
        kept = {"TEXT": str, "INTEGER": int}.get(type_.key_column)
        assert kept is None or isinstance(type_.key(value), NoneType if value is None else kept)

    holds()


@every_type
def test_json_schema_describes_a_type_in_the_words_of_its_error(type_: FieldType) -> None:
    assert type_.schema()["description"] == type_.says


# text


@pytest.mark.parametrize("type_", [Text(200), LongText(20_000)], ids=repr)
def test_text_is_kept_as_it_was_sent(type_: Text) -> None:
    for text in ("Jane", "Jané  Doe", "two\nlines", "a\u202eb", "0", "null", "x" * type_.most):
        assert type_.accept(text) == text


@pytest.mark.parametrize(
    ("written", "line", "paragraphs"),
    [
        (" Jane ", "Jane", "Jane"),
        ("\n Jane\t\n", "Jane", "Jane"),
        ("\u2003Jane\u00a0", "Jane", "Jane"),
        ("\u200bJane\u200d", "Jane", "\u200bJane\u200d"),
        ("\ufeff Jane \u202c", "Jane", "\ufeff Jane \u202c"),
        ("J\u200bane", "J\u200bane", "J\u200bane"),
        ("Jane ❤\ufe0f ", "Jane ❤\ufe0f", "Jane ❤\ufe0f"),  # shows the heart in red
        ("🏴\U000e0067\U000e0062\U000e007f\u200b", "🏴\U000e0067\U000e0062\U000e007f", None),  # a flag
        ("x" * 200 + " \u200b", "x" * 200, None),
    ],
    ids=ascii,
)
def test_text_is_trimmed_at_both_ends(written: str, line: str, paragraphs: str | None) -> None:
    assert Text(200).accept(written) == line
    assert paragraphs is None or LongText(200).accept(written) == paragraphs


@pytest.mark.parametrize(
    "written",
    [
        "+41 44 668 18 00",
        "\u202a+41 44 668 18 00\u202c",
        "+41\u200e 44 668\u2068 18 00\u2069",
        "\u200f+41 44 668 18 00",
    ],
    ids=ascii,
)
def test_a_phone_number_loses_marks_of_direction(written: str) -> None:
    assert Phone(200).accept(written) == "+41 44 668 18 00"
    assert Phone(200).accept("\u202a\u202c") is None
    assert (Phone(200).operand(written), Phone(200).part(written)) == ("+41 44 668 18 00", "+41 44 668 18 00")


@pytest.mark.parametrize("type_", [Text(200), LongText(20_000)], ids=repr)
def test_one_character_more_than_fits_is_told_with_both_numbers(type_: Text) -> None:
    told = refusal(type_, "é" * (type_.most + 1))
    assert told == f"has {type_.most + 1:,} characters; at most {type_.most:,} fit"


@pytest.mark.parametrize("type_", [Text(200), LongText(20_000), Phone(200), Email(), Domain()], ids=repr)
@pytest.mark.parametrize(
    "blank", ["", " ", "\t\n", "\u2003", "\u200b", " \u200d\ufe0f\n\u3164\u2800", "\x00"], ids=ascii
)
def test_text_without_a_character_that_is_seen_is_no_value(type_: FieldType, blank: str) -> None:
    assert type_.accept(blank) is None


@pytest.mark.parametrize("raw", [5, 5.0, True, ["x"], {"a": 1}])
def test_text_that_is_no_string_is_refused(raw: Any) -> None:
    assert refusal(Text(200), raw) == "must be text of at most 200 characters"


def test_a_filter_compares_text_without_case() -> None:
    assert Text(200).operand("ÉLAN Straße") == Text(200).key("élan STRASSE")


# addresses


def test_an_email_is_stored_trimmed_and_in_lower_case() -> None:
    assert Email().accept("  Jane@ACME.com ") == "jane@acme.com"
    assert Email().accept("   ") is None
    assert refusal(Email(), "jane") == "must be an address like jane@acme.com"
    assert refusal(Email(), 5) == "must be an address like jane@acme.com"


@pytest.mark.parametrize(
    "written", ["Jane@ACME.com", " jane@acme.com ", "jane@Bücher.example", "JU\u0308RGEN@acme.com"]
)
def test_a_filter_finds_an_email_in_any_spelling_that_a_body_may_have(written: str) -> None:
    assert Email().operand(written) == Email().accept(written)


@pytest.mark.parametrize(
    ("part", "sought"), [("@ACME", "@acme"), ("JÜR", "jür"), ("ju\u0308r", "jür"), (".com", ".com")]
)
def test_a_filter_may_hold_a_part_of_an_email(part: str, sought: str) -> None:
    assert Email().part(part) == sought
    with pytest.raises(Invalid, match="must be an address like"):
        Email().operand(part)


@pytest.mark.parametrize("written", ["plus sign@x.example", " plus sign@X.example "])
def test_a_blank_within_an_address_in_a_filter_is_the_plus_that_it_was(written: str) -> None:
    assert (Email().operand(written), Email().part(written)) == ("plus+sign@x.example", "plus+sign@x.example")
    assert Email().part("plus s") == "plus+s"
    assert refusal(Email(), written).startswith("must be an address like jane@acme.com; it has a blank at position ")


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("https://www.ACME.com/about", "acme.com"),
        (" ACME.com ", "acme.com"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("", None),
        ("  ", None),
        (None, None),
    ],
)
def test_a_domain_is_stored_in_ascii_and_lower_case(written: str | None, stored: str | None) -> None:
    assert Domain().accept(written) == stored
    if stored is not None and written is not None:
        assert Domain().operand(written) == stored


def test_what_is_no_domain_is_told_and_a_filter_may_hold_a_part_of_one() -> None:
    assert refusal(Domain(), "acme") == "must be a domain like acme.com"
    assert refusal(Domain(), 5) == "must be a domain like acme.com, or the address of a page there"
    assert (Domain().part("ACM"), Domain().part(".Com ")) == ("acm", ".com")
    for part in ("ACM", ".Com "):
        with pytest.raises(Invalid, match="must be a domain"):
            Domain().operand(part)


# words out of few


def test_a_choice_is_one_of_its_words_in_any_case() -> None:
    status = Choice(("open", "won", "lost"))
    assert (status.accept(" Won "), status.accept("")) == ("won", None)
    assert [status.operand(word) for word in ("open", " Won ", "LOST")] == [0, 1, 2]
    assert [status.key(word) for word in (*status.choices, None)] == [0, 1, 2, None]
    assert refusal(status, "wonn") == "must be one of open, won, lost (did you mean won?)"
    for raw in ("archived", " ", 5, ["won"]):
        assert refusal(status, raw) == "must be one of open, won, lost"
    assert status.schema()["enum"] == ["open", "won", "lost"]


def test_a_currency_is_a_code_of_iso_4217_in_any_case() -> None:
    assert (Currency().accept(" eur "), Currency().operand("usd"), Currency().accept("")) == ("EUR", "USD", None)
    assert refusal(Currency(), "EURO") == "must be an ISO 4217 currency code like USD (did you mean EUR?)"
    for raw in ("$", "€", "US", "XXX", "ＵＳＤ", 5, ["USD"], " "):
        assert refusal(Currency(), raw).startswith("must be an ISO 4217 currency code like USD")


def test_the_currencies_are_codes_of_three_letters() -> None:
    assert len(CURRENCIES) > 150
    assert all(len(code) == 3 and code.isascii() and code.isalpha() and code.isupper() for code in CURRENCIES)
    assert {"USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "BRL", "ZAR", "AUD", "CAD", "SEK"} <= CURRENCIES
    assert not {"DEM", "FRF", "HRK", "XAU", "XXX", "XTS", "BTC"} & CURRENCIES


# numbers


@pytest.mark.parametrize("number", [0, 1, -1, MAX_INTEGER, -MAX_INTEGER])
def test_a_whole_number_is_taken_up_to_64_bits(number: int) -> None:
    assert Integer().accept(number) == number
    assert Integer().operand(str(number)) == number


@pytest.mark.parametrize(
    "raw", [MAX_INTEGER + 1, -MAX_INTEGER - 1, 10**40, 5.0, 5.5, "5", "", True, False, [5], {"a": 5}], ids=repr
)
def test_what_is_no_whole_number_is_refused(raw: Any) -> None:
    assert refusal(Integer(), raw) == "must be a whole number"


def test_a_number_outside_its_range_is_refused_with_both_ends() -> None:
    cents = Integer(-MAX_EXACT, MAX_EXACT)
    assert cents.accept(MAX_EXACT) == 9_007_199_254_740_991
    assert cents.accept(-MAX_EXACT) == -9_007_199_254_740_991
    for past in (MAX_EXACT + 1, -MAX_EXACT - 1):
        told = "must be a whole number from -9,007,199,254,740,991 to 9,007,199,254,740,991"
        assert refusal(cents, past) == told
        with pytest.raises(Invalid, match=told):
            cents.operand(str(past))


@pytest.mark.parametrize(
    "text", ["", " ", "5.0", "5 ", "1e3", "0x5", "٣", "1_000", "--5", "9" * 20, "5\n", "five", "+"]
)
def test_a_filter_takes_plain_whole_numbers_only(text: str) -> None:
    with pytest.raises(Invalid, match="must be a whole number"):
        Integer().operand(text)


def test_a_filter_takes_a_number_with_a_sign() -> None:
    assert (Integer().operand("+5"), Integer().operand("-5"), Integer().operand("-0")) == (5, -5, 0)


# links


@pytest.mark.parametrize("written", [CONTACT_ID, f"contact/{CONTACT_ID}", f" {CONTACT_ID} "])
def test_a_link_is_stored_as_a_bare_id(written: str) -> None:
    assert Link("c", PREFIXES).accept(written) == CONTACT_ID
    assert Link("c", PREFIXES).operand(written) == CONTACT_ID


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (f"company/{CONTACT_ID}", "that is not the handle of a contact"),
        ("co_k7m2q9xa", "that is the id of a company"),
        ("jane", "jane is no id"),
        (CONTACT_ID[:-1] + ("b" if CONTACT_ID[-1] != "b" else "c"), "mistyped"),
    ],
)
def test_a_link_that_is_no_id_of_its_kind_says_why(written: str, told: str) -> None:
    assert told in refusal(Link("c", PREFIXES), written)


def test_a_link_that_is_no_text_is_told_what_one_looks_like() -> None:
    assert refusal(Link("c", PREFIXES), 5) == "must be the id of a contact, like c_k7m2q9xa"
