"""Countries, time zones, languages, locations."""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

from crmkit.errors import nearest
from crmkit.model.fields.base import FieldType, Invalid
from crmkit.model.fields.numbers import Number
from crmkit.model.iso_codes import COUNTRIES
from crmkit.model.operators.circle import Circle
from crmkit.model.operators.rows import Taken
from crmkit.model.sheets import countries
from crmkit.model.sheets.habits import Habits, Read

# language, then script, region, variants and extensions (RFC 5646, section 2.1, without its grandfathered tags)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-[a-z0-9]{1,8})*", re.ASCII | re.IGNORECASE)
_DIGITS = re.compile("[0-9]+")

_COUNTRIES_MEANT = {"UK": "GB", "EL": "GR"}  # codes that the European Union writes
_ZONE_LIKENESS = 82  # since zones of one area have half of their names in common


class Country(FieldType, frozen=True):
    """An ISO 3166-1 alpha-2 code."""

    bare: ClassVar[bool] = True
    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return "an ISO 3166-1 country code like DE"

    def from_cell(self, text: str, habits: Habits) -> Read:
        """Return the code of a country, also by its name; what is neither is no value of the field."""
        code = text.upper() if text.upper() in COUNTRIES else countries.code(text)
        return (code, "") if code else (None, text)

    def cleaned(self, value: str) -> str:
        code = value.strip().upper()
        if code not in COUNTRIES:
            meant = _COUNTRIES_MEANT.get(code) or countries.code(value)
            raise Invalid(f"must be {self.says}" + (f" (did you mean {meant}?)" if meant else ""))
        return code


class Timezone(FieldType, frozen=True):
    """The IANA name of a time zone, as IANA spells it."""

    bare: ClassVar[bool] = True
    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return "an IANA time zone like Europe/Berlin"

    def cleaned(self, value: str) -> str:
        name = value.strip()
        known = _zones().get(name.lower())
        if known is None:
            raise Invalid(f"must be {self.says}{_near_zone(name)}")
        return known


class Language(FieldType, frozen=True):
    """A BCP 47 tag, in the usual case: `pt-BR`, `zh-Hant`."""

    longest: int = 35  # as many as every reader keeps (RFC 5646, section 4.4.1)
    bare: ClassVar[bool] = True
    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return "a BCP 47 language tag like en or pt-BR"

    def cleaned(self, value: str) -> str:
        tag = value.strip()
        if len(tag) > self.longest or not _LANGUAGE.fullmatch(tag):
            raise Invalid(f"must be {self.says}")
        first, *rest = tag.lower().split("-")
        return "-".join([first, *(_CASES.get(len(part), str)(part) for part in rest)])


class Location(FieldType, frozen=True):
    """Where a record is: the latitude and the longitude that two of its fields hold. It is a filter alone.

    A record that lacks one of them has none.
    """

    latitude: str = "latitude"
    longitude: str = "longitude"
    sortable = False
    taken = Taken.PLACE

    @property
    def says(self) -> str:
        return "LAT,LNG,KM like 47.37,8.54,5: degrees north, degrees east, and a radius of 0 or more"

    def circle(self, parts: Sequence[str]) -> Circle:
        """Return what `within` asks for; raises Invalid."""
        if len(parts) != 3:
            raise Invalid(f"must be {self.says}")
        try:
            latitude, longitude = Number(-90, 90).operand(parts[0]), Number(-180, 180).operand(parts[1])
            return Circle(latitude, longitude, Number(0).operand(parts[2]))
        except Invalid as error:
            raise Invalid(f"must be {self.says}; a part of it {error}") from None


_CASES: dict[int, Any] = {2: str.upper, 4: str.title}  # of a tag's later parts, by their length


def _near_zone(name: str) -> str:
    """Return ` (did you mean NAME?)` for a misspelled zone, or for its city alone.

    It is of the same digits. None is meant by an area like Europe, or by GMT+10: Etc/GMT+10 has the sign reversed.
    """
    city = f"/{name.strip().lower().replace(' ', '_')}"
    of_city = [zone for known, zone in _zones().items() if known.endswith(city) and not known.startswith("etc/")]
    if len(of_city) == 1:
        return f" (did you mean {of_city[0]}?)"
    if any(known.startswith(f"{name.lower().rstrip('/')}/") for known in _zones()):
        return ""
    digits = _DIGITS.findall(name)
    return nearest(name, [zone for zone in _zones().values() if _DIGITS.findall(zone) == digits], _ZONE_LIKENESS)


@cache
def _zones() -> dict[str, str]:
    """Return the names of all zones by their lower-case spelling.

    They are those of the package tzdata, which zoneinfo falls back on where the system has no such zone. To ask
    zoneinfo for its names would read every file of the system's folder.
    """
    names = files("tzdata").joinpath("zones").read_text("utf-8").split()
    return {name.lower(): name for name in names if name != "Factory"}
