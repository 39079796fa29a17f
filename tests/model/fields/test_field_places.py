"""Countries, time zones and languages: which spellings are taken, and the one in which they are stored."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crmkit.model.fields import Country, Language, Timezone
from crmkit.model.fields.places import _zones
from crmkit.model.iso_codes import COUNTRIES
from tests.model.fields.refusal import refusal


def test_a_country_is_a_code_of_iso_3166_in_any_case() -> None:
    assert (Country().accept(" de "), Country().operand("Us"), Country().accept("")) == ("DE", "US", None)
    for raw in ("D", "DEU", "EU", "XX", "ＤＥ", 49, ["DE"], " "):
        assert refusal(Country(), raw) == "must be an ISO 3166-1 country code like DE"
    for raw, meant in (("UK", "GB"), ("el", "GR"), ("Germany", "DE"), (" deutschland ", "DE"), ("usa", "US")):
        assert refusal(Country(), raw) == f"must be an ISO 3166-1 country code like DE (did you mean {meant}?)"


def test_the_countries_are_all_codes_of_two_letters() -> None:
    assert len(COUNTRIES) == 249
    assert all(len(code) == 2 and code.isascii() and code.isalpha() and code.isupper() for code in COUNTRIES)


def test_a_time_zone_is_stored_as_iana_spells_it() -> None:
    for raw in ("Europe/Berlin", "europe/berlin", " EUROPE/BERLIN "):
        assert Timezone().accept(raw) == Timezone().operand(raw) == "Europe/Berlin"
    assert (Timezone().accept("utc"), Timezone().accept("")) == ("UTC", None)


@pytest.mark.parametrize(
    "raw",
    ["CEST", "+02:00", "Berlin", "Factory", "localtime", "posix/UTC", "right/UTC", "../UTC", "/etc/passwd", "Europe"],
)
def test_what_is_no_zone_of_iana_is_told_with_an_example(raw: str) -> None:
    assert refusal(Timezone(), raw).startswith("must be an IANA time zone like Europe/Berlin")


def test_the_nearest_zone_is_named() -> None:
    for raw in ("Europe", "europe/", "Australia", "Asia", "GMT+10", "Moon/Base"):
        assert refusal(Timezone(), raw) == "must be an IANA time zone like Europe/Berlin", raw
    assert refusal(Timezone(), "America/New York").endswith("(did you mean America/New_York?)")
    assert refusal(Timezone(), "Europe/Berlim").endswith("(did you mean Europe/Berlin?)")
    for city, zone in (("Berlin", "Europe/Berlin"), ("new york", "America/New_York"), ("Tokyo ", "Asia/Tokyo")):
        assert refusal(Timezone(), city) == f"must be an IANA time zone like Europe/Berlin (did you mean {zone}?)"
    assert refusal(Timezone(), 5) == "must be an IANA time zone like Europe/Berlin"


def test_every_zone_that_is_taken_can_be_reckoned_in() -> None:
    assert {ZoneInfo(name).key for name in _zones().values()} == set(_zones().values())
    assert len(_zones()) > 500


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("EN", "en"),
        ("pt-br", "pt-BR"),
        ("zh-hant", "zh-Hant"),
        ("ZH-HANT-TW", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("", None),
    ],
)
def test_a_language_is_a_tag_of_bcp_47_in_any_case(raw: str, stored: str | None) -> None:
    assert Language().accept(raw) == stored


@pytest.mark.parametrize(
    "raw", ["German", "e", "en_US", "pt-", "-pt", "12", "en-" + "a-" * 20 + "b", 5, "é"], ids=ascii
)
def test_what_is_no_language_tag_is_told_with_an_example(raw: Any) -> None:
    assert refusal(Language(), raw) == "must be a BCP 47 language tag like en or pt-BR"
