"""What the second column of a phone number and the texts of search hold: digits, by the country of the record."""

from typing import Annotated, Any

import pytest
from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.model.fields import Phone, Text
from crmkit.model.form import REQUIRED, SEARCHED, TITLE
from crmkit.model.phones import signed
from crmkit.model.record import Followed, kind_of
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.migrations.migration import searchable, table
from tests.storage.desk import Desk


class Spot(Followed, frozen=True):
    """A place with a telephone."""

    name: Annotated[str, Text(200), REQUIRED, TITLE, "its name"]
    phone: Annotated[str | None, Phone(200), SEARCHED, "in any notation"]
    country: Annotated[str | None, Text(2), "where it is"]


SPOT = kind_of(Spot, "spot", "spots", "sp")
COLUMNS = ["name TEXT NOT NULL", "name_key TEXT", "phone TEXT", "phone_key TEXT", "country TEXT", "country_key TEXT"]


@pytest.mark.sqlite
def test_the_digits_follow_the_country_of_the_record_also_when_that_alone_changes(back: Desk) -> None:
    found: list[Any] = []

    def unit(tx: Tx) -> None:
        for statement in (table("spots", COLUMNS, {}), *searchable("spots")):
            tx.connection.execute(statement)
        record: Any = SPOT.new({"name": "Here", "phone": "030 1234567", "country": "DE"})
        record = records.put(tx, SPOT, None, record)
        for change in ({}, {"country": "AT"}, {"name": "There"}, {"country": None}, {"phone": "+49 (0)30 1234567"}):
            record = records.put(tx, SPOT, record, replace(record, **change))
            [row] = tx.connection.execute("SELECT phone, phone_key FROM spots").fetchall()
            [(text,)] = tx.connection.execute("SELECT rest FROM spots_unindexed").fetchall()
            assert text.splitlines()[0].split()[-1] == signed(row[1])
            found.append(row)

    back.do(Call(back.crm, back.person()).write(unit))
    assert found == [
        ("030 1234567", "49301234567"),
        ("030 1234567", "43301234567"),
        ("030 1234567", "43301234567"),
        ("030 1234567", "0301234567"),
        ("+49 (0)30 1234567", "49301234567"),
    ]
