"""What each type of field takes, refuses and compares with."""

from datetime import UTC, datetime, timedelta, timezone
from types import NoneType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import ids
from crmkit.clock import moment, stamp
from crmkit.model.currencies import CURRENCIES
from crmkit.model.fields import (
    MAX_CENTS,
    MAX_INTEGER,
    Choice,
    Currency,
    Custom,
    Date,
    Domain,
    Email,
    FieldType,
    Integer,
    Invalid,
    Link,
    LongText,
    Tags,
    Text,
    Time,
    parse_time,
)
from crmkit.records import ACTIVITY, AUDIT, KINDS
from tests.render.drawn import DRAW, json_objects, keys, scalars, texts

CONTACT_ID = "c_k7m2q9x" + ids.check_character("k7m2q9x")
TYPES = list({repr(field.type): field.type for kind in (*KINDS, ACTIVITY, AUDIT) for field in kind.fields}.values())
every_type = pytest.mark.parametrize("type_", TYPES, ids=repr)


def refusal(type_: FieldType, raw: Any) -> str:
    with pytest.raises(Invalid) as caught:
        type_.accept(raw)
    return str(caught.value)


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
        assert not type_.folded or isinstance(type_.key(value), NoneType if value is None else str)

    holds()


@every_type
def test_json_schema_describes_a_type_in_the_words_of_its_error(type_: FieldType) -> None:
    assert type_.schema()["description"] == type_.says


# text


@pytest.mark.parametrize("type_", [Text(200), LongText(20_000)], ids=repr)
def test_text_is_kept_as_it_was_sent(type_: Text) -> None:
    for text in ("Jane", " Jane ", "two\nlines", "\u202e", "0", "null", "x" * type_.most):
        assert type_.accept(text) == text


@pytest.mark.parametrize("type_", [Text(200), LongText(20_000)], ids=repr)
def test_one_character_more_than_fits_is_told_with_both_numbers(type_: Text) -> None:
    told = refusal(type_, "é" * (type_.most + 1))
    assert told == f"has {type_.most + 1:,} characters; at most {type_.most:,} fit"


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u2003"], ids=ascii)
def test_blank_text_is_no_value(blank: str) -> None:
    assert Text(200).accept(blank) is None


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
    assert Email().operand(part) == sought


@pytest.mark.parametrize(
    ("written", "stored"),
    [(" ACME.com ", "acme.com"), ("Bücher.example", "xn--bcher-kva.example"), ("", None), ("  ", None), (None, None)],
)
def test_a_domain_is_stored_in_ascii_and_lower_case(written: str | None, stored: str | None) -> None:
    assert Domain().accept(written) == stored
    if stored is not None and written is not None:
        assert Domain().operand(written) == stored


def test_what_is_no_domain_is_told_and_a_filter_may_hold_a_part_of_one() -> None:
    assert refusal(Domain(), "https://acme.com").startswith("must be a domain alone: send only acme.com")
    assert refusal(Domain(), 5) == "must be a domain like acme.com"
    assert (Domain().operand("ACM"), Domain().operand(".Com ")) == ("acm", ".com")


# words out of few


def test_a_choice_is_one_of_its_words_in_any_case() -> None:
    status = Choice(("open", "won", "lost"))
    assert (status.accept(" Won "), status.operand("LOST"), status.accept("")) == ("won", "lost", None)
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


# days


@pytest.mark.parametrize("day", ["2026-06-30", "2024-02-29", "0001-01-01", "9999-12-31"])
def test_a_date_is_kept_as_it_is(day: str) -> None:
    assert Date().accept(f" {day} ") == Date().operand(day) == day


@pytest.mark.parametrize(
    "raw",
    [
        *("2026-02-29", "2026-06-31", "2026-13-01", "0000-01-01", "2026-6-30", "20260630", "2026-W26-2", "30.06.2026"),
        *("2026-06-30T00:00:00Z", "٢٠٢٦-٠٦-٣٠", "tomorrow", " ", 20260630, ["2026-06-30"]),
    ],
    ids=ascii,
)
def test_what_is_no_date_is_told_with_an_example(raw: Any) -> None:
    assert refusal(Date(), raw) == "must be a date like 2026-06-30"


# times


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2026-06-10T09:00:00Z", "2026-06-10T09:00:00Z"),
        ("2026-06-10t09:00:00z", "2026-06-10T09:00:00Z"),
        ("2026-06-10 09:00:00Z", "2026-06-10T09:00:00Z"),
        (" 2026-06-10T09:00:00Z\n", "2026-06-10T09:00:00Z"),
        ("2026-06-10T09:00:00+02:00", "2026-06-10T07:00:00Z"),
        ("2026-06-10T09:00:00 02:00", "2026-06-10T07:00:00Z"),  # a + that nobody escaped in a query string
        ("2026-06-10T09:00:00-05:30", "2026-06-10T14:30:00Z"),
        ("2026-06-10T09:00:00-00:00", "2026-06-10T09:00:00Z"),
        ("2026-06-10T00:30:00+14:00", "2026-06-09T10:30:00Z"),
        ("2026-12-31T23:59:59-01:00", "2027-01-01T00:59:59Z"),
        ("2026-06-10T09:00:00.999999999Z", "2026-06-10T09:00:00Z"),
        ("2026-06-10T09:00:00.1+02:00", "2026-06-10T07:00:00Z"),
        ("2026-06-10", "2026-06-10T00:00:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z"),
        ("2000-02-29T12:00:00Z", "2000-02-29T12:00:00Z"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_stored_in_utc_to_the_second(written: str | None, stored: str | None) -> None:
    assert Time().accept(written) == stored


@pytest.mark.parametrize(
    "written",
    [
        "2026-06-10T09:00:00",  # whose nine o'clock?
        "2026-06-10T09:00Z",
        "2026-06-10T09Z",
        "2026-06-10T",
        "2026-06",
        "2026",
        "20260610",
        "20260610T090000Z",
        "2026-W24-3",
        "2026-6-10",
        "10.06.2026",
        "06/10/2026",
        "2026-02-29",
        "1900-02-29",
        "2026-06-31",
        "2026-13-01",
        "0000-01-01",
        "2026-06-10T24:00:00Z",
        "2026-06-10T09:60:00Z",
        "2026-06-30T23:59:60Z",  # a leap second
        "2026-06-10T09:00:00+2:00",
        "2026-06-10T09:00:00+0200",
        "2026-06-10T09:00:00+02",
        "2026-06-10T09:00:00+24:00",
        "2026-06-10T09:00:00+00:60",
        "2026-06-10T09:00:00+02:00:30",
        "2026-06-10T09:00:00.Z",
        "2026-06-10T09:00:00,5Z",
        "2026-06-10T09:00:00Zx",
        "2026-06-10T09:00:00ZZ",
        "0001-01-01T00:00:00+01:00",  # before the first year
        "9999-12-31T23:59:59-01:00",
        "٢٠٢٦-٠٦-١٠",
        "-2026-06-10",
        "tomorrow",
        "1781082000",
        "gte:2026-06-10",
        "   ",
        "x" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_time_is_told_with_an_example(written: str) -> None:
    assert refusal(Time(), written).startswith("must be a time like 2026-06-10T09:00:00Z (RFC 3339 with its offset)")


@pytest.mark.parametrize("raw", [1781082000, 1.5, True, ["2026-06-10"]])
def test_a_time_that_is_no_text_is_refused(raw: Any) -> None:
    assert refusal(Time(), raw).startswith("must be a time like")


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)),
    st.integers(-1439, 1439),
    st.sampled_from(["", ".5", ".123456789"]),
    st.sampled_from("Tt "),
)
def test_every_time_with_an_offset_is_that_moment(local: datetime, minutes: int, fraction: str, between: str) -> None:
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    written = local.isoformat(between, timespec="seconds") + fraction + offset
    aware = local.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    found = parse_time(written)
    assert moment(found) == aware
    assert found == stamp(aware)
    assert parse_time(written.replace("+", " ")) == found
    assert parse_time(found) == found


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_stamps_sort_as_text_just_as_the_moments_do(one: datetime, other: datetime) -> None:
    one, other = one.replace(microsecond=0), other.replace(microsecond=0)
    assert (stamp(one) < stamp(other)) == (one < other)


@given(st.one_of(st.text(max_size=30), st.text("0123456789-+:.TZ t", max_size=30)))
def test_reading_any_text_as_a_time_gives_a_stamp_or_a_value_error(text: str) -> None:
    try:
        found = parse_time(text)
    except ValueError as error:
        assert str(error).startswith("must be a time")
        return
    assert stamp(moment(found)) == found


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


def test_a_range_holds_at_both_ends_and_is_told() -> None:
    cents = Integer(-MAX_CENTS, MAX_CENTS)
    assert cents.accept(MAX_CENTS) == 9_007_199_254_740_991
    assert cents.accept(-MAX_CENTS) == -9_007_199_254_740_991
    for past in (MAX_CENTS + 1, -MAX_CENTS - 1):
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


def test_a_filter_takes_a_sign() -> None:
    assert (Integer().operand("+5"), Integer().operand("-5"), Integer().operand("-0")) == (5, -5, 0)


# tags


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (["vip"], ["vip"]),
        (["VIP", "fintech", "vip", "Vip"], ["VIP", "fintech"]),
        (["straße", "STRASSE"], ["straße"]),
        (["é", "e\u0301"], ["é"]),
        (["b", "a", "b"], ["b", "a"]),
        (["x" * 50], ["x" * 50]),
        (["a-b", "a_b", "a.b", "#a", "5", "true", "日本"], ["a-b", "a_b", "a.b", "#a", "5", "true", "日本"]),
        ([], None),
        (None, None),
    ],
)
def test_tags_keep_their_order_and_the_first_spelling_of_each(sent: Any, stored: Any) -> None:
    assert Tags().accept(sent) == stored


@pytest.mark.parametrize(
    "sent",
    [
        "vip",
        "vip,fintech",
        5,
        {"vip": True},
        [5],
        [None],
        [["vip"]],
        [""],
        ["a b"],
        ["a,b"],
        ["a,"],
        [" a"],
        ["a\n"],
        ["a\u00a0b"],
        ["a\u2028b"],
        ["a\x1cb"],
        ["x" * 51],
    ],
    ids=ascii,
)
def test_a_tag_that_is_no_plain_word_is_refused(sent: Any) -> None:
    assert refusal(Tags(), sent) == (
        "must be a list of at most 50 words of up to 50 characters, no commas or spaces in them"
    )


def test_fifty_tags_fit_and_repeats_do_not_count() -> None:
    fifty = [f"t{number}" for number in range(50)]
    assert Tags().accept([*fifty, *fifty]) == fifty
    assert refusal(Tags(), [*fifty, "one-more"]) == "has 51 tags; at most 50 fit"


@given(st.lists(texts.map(lambda text: "".join(text.replace(",", "").split())).filter(bool), min_size=1, max_size=8))
def test_the_folded_twin_of_tags_holds_each_between_commas(words: list[str]) -> None:
    stored = Tags().accept(words)
    twin = Tags().key(stored)
    assert twin is not None
    assert twin[0] == twin[-1] == ","
    assert len(twin[1:-1].split(",")) == len(stored)
    for word in words:
        (sought,) = Tags().operand(word)
        assert f",{sought}," in twin


def test_no_character_of_a_tag_folds_to_a_comma_or_a_space() -> None:
    folded = (Tags().operand(f"a{chr(point)}b") for point in range(0x21, 0x30000) if not 0xD800 <= point < 0xE000)
    assert {len(found) for found in folded} == {1, 2}  # 2 is the comma itself
    assert len(Tags().operand("a,b")) == 2


# custom


def merged(before: Any, sent: Any) -> Any:
    return Custom().merged(before, Custom().accept(sent))


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        (None, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": 1}, {"a": None}, None),
        ({"a": 1}, {"x": None}, {"a": 1}),
        (None, {"a": None}, None),
        ({"a": 1}, {}, {"a": 1}),
        (None, {}, None),
        ({"a": 1}, None, None),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}}, {"a": {"x": 3}}),
        ({}, {"a": {"x": None}}, {"a": {"x": None}}),
        ({}, {"a": ""}, {"a": ""}),
        ({}, {"a": {}, "b": []}, {"a": {}, "b": []}),
        ({}, {"A": 1, "a": 2}, {"A": 1, "a": 2}),
    ],
)
def test_custom_merges_by_its_top_keys_and_null_drops_one(before: Any, sent: Any, after: Any) -> None:
    kept = dict(before) if before is not None else None
    assert merged(before, sent) == after
    assert before == kept


@given(st.dictionaries(keys, scalars, max_size=5), st.dictionaries(keys.filter(bool), scalars, max_size=5))
def test_custom_after_a_merge_has_what_was_sent_and_what_was_not_touched(before: Any, sent: Any) -> None:
    after = merged(before, sent) or {}
    for key in {*before, *sent}:
        assert after.get(key) == (sent[key] if key in sent else before[key])
    assert None not in after.values()
    assert merged(after, sent) == (after or None)


@pytest.mark.parametrize("sent", [[], ["a"], "x", 5, True, {"": 1}], ids=repr)
def test_custom_that_is_no_object_of_named_keys_is_refused(sent: Any) -> None:
    assert refusal(Custom(), sent) in (
        "must be an object of at most 100 keys and 32 KiB",
        "has an empty key; every key needs a name",
    )


def test_a_hundred_keys_fit_also_when_they_come_one_by_one() -> None:
    hundred = {f"k{number}": number for number in range(100)}
    assert merged(None, hundred) == hundred
    assert merged(hundred, {"k0": "new"})["k0"] == "new"
    assert len(merged(hundred, {"k0": None, "one_more": 1})) == 100
    with pytest.raises(Invalid, match="has 101 keys; at most 100 fit"):
        merged(hundred, {"one_more": 1})


def test_custom_fits_32_kib_to_the_byte_in_utf8() -> None:
    empty = len(msgspec.json.encode({"a": ""}))
    for filler in ("x", "é", "\n"):
        width = len(msgspec.json.encode(filler)) - 2
        fits = filler * ((32 * 1024 - empty) // width)
        assert merged(None, {"a": fits}) == {"a": fits}
        with pytest.raises(Invalid, match="is larger than 32 KiB"):
            merged(None, {"a": fits + filler})
        with pytest.raises(Invalid, match="is larger than 32 KiB"):
            merged({"a": fits}, {"b": 1})


# links


@pytest.mark.parametrize("written", [CONTACT_ID, f"contact/{CONTACT_ID}", f" {CONTACT_ID} "])
def test_a_link_is_stored_bare(written: str) -> None:
    assert Link("c").accept(written) == CONTACT_ID
    assert Link("c").operand(written) == CONTACT_ID


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (f"company/{CONTACT_ID}", "that is not the handle of a contact"),
        ("co_k7m2q9xa", "that is the id of a company"),
        ("jane", "that is not an id"),
        (CONTACT_ID[:-1] + ("b" if CONTACT_ID[-1] != "b" else "c"), "mistyped"),
    ],
)
def test_a_link_that_is_no_id_of_its_kind_says_why(written: str, told: str) -> None:
    assert told in refusal(Link("c"), written)


def test_a_link_that_is_no_text_is_told_what_one_looks_like() -> None:
    assert refusal(Link("c"), 5) == "must be the id of a contact, like c_k7m2q9xa"
