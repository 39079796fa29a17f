"""The fields that say where somebody is, for kinds that have an address."""

from typing import Annotated

from crmkit.model.fields import Country, Number, Text
from crmkit.model.form import DETAIL, SEARCHED
from crmkit.model.record import partial

Address = Annotated[str | None, Text(500), DETAIL, "street and number"]
City = Annotated[str | None, Text(200), SEARCHED, "or town"]
Region = Annotated[str | None, Text(200), DETAIL, "state or province"]
PostalCode = Annotated[str | None, Text(200), DETAIL, "as written there"]
CountryCode = Annotated[str | None, Country(), "of the address"]
Latitude = Annotated[float | None, Number(-90, 90), DETAIL, "degrees north"]
Longitude = Annotated[float | None, Number(-180, 180), DETAIL, "degrees east"]

INDEX = partial("latitude", "longitude")  # finds what is within a circle
