"""Of every cell of a file it is known where it went: nothing is lost, and nothing is invented."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit.core.transfer.mapping import Body, Plan, Refused
from crmkit.files.opening import open_table
from crmkit.files.table import Row
from crmkit.model import fold
from crmkit.model.sheets import countries, words
from tests.core.transfer.mapping.tables import planned
from tests.kinds import COMPANY, CONTACT

SAMPLES = Path(__file__).parents[3] / "samples"
FILES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix in (".csv", ".vcf") and path.name != "empty.csv")
# rows of each file, and how many of them are refused
ROWS = {
    "apple.vcf": (12, 0),
    "excel-sep-line.csv": (12, 0),
    "google.csv": (13, 0),
    "header-only.csv": (0, 0),
    "hubspot.csv": (13, 0),
    "linkedin.csv": (13, 1),
    "mailchimp.csv": (12, 0),
    "mixed-line-ends.csv": (12, 0),
    "old-mac-cr.csv": (12, 0),
    "outlook.csv": (12, 0),
    "pipedrive.csv": (12, 0),
    "salesforce.csv": (12, 0),
}


def is_empty(cell: Any) -> bool:
    """Tell whether a cell says nothing, as the fine print lists it."""
    return not cell or not cell.strip() or cell.strip() in words.NOTHING | words.NOBODY


def parts(value: Any) -> Iterator[str]:
    """Yield the letters and digits of a text, in runs; of a value all of its texts."""
    if isinstance(value, dict):
        for each in value.values():
            yield from parts(each)
    elif isinstance(value, list):
        for each in value:
            yield from parts(each)
    elif value is not None:
        text = f"{value:g}" if isinstance(value, float) else str(value)
        yield from re.findall(r"[^\W_]+", fold.plain(text))


def told(body: Body) -> Counter[str]:
    return Counter([*parts(body.values), *(part for name in body.names for part in parts([name.text, name.fields]))])


def is_refused(found: Body | Refused) -> bool:
    """Tell whether a row is refused, by itself or as a POST that has no name."""
    return isinstance(found, Refused) or found.values.keys().isdisjoint(("name", "first_name", "last_name"))


def fate(plan: Plan, row: Row, column: int) -> str:
    """Return where a cell went: `field`, `custom`, `refused` or `left out`; `lost` if part of it is nowhere."""
    found, cell = plan.body(row), str(row.cells[column])
    field = plan.columns[column].field
    if field == "":
        return "left out"
    if is_refused(found):
        return "refused"
    code = countries.code(cell)
    if field == "country" and found.values.get("country") in (code, cell.upper()):
        return "field"
    own = Counter(parts(cell))
    if field == "owner" and "@" in cell:
        own = Counter(parts(re.search(r"\S+@[^)\s]+", cell)[0]))  # type: ignore[index]
    in_custom = Counter(parts(found.values.get("custom")))
    if own <= told(found) - in_custom:
        return "field"
    return "custom" if own <= told(found) else "lost"


@pytest.mark.parametrize("name", FILES)
def test_every_cell_of_a_sample_is_in_a_field_in_custom_refused_or_left_out_by_name(name: str) -> None:
    table = open_table(SAMPLES / name, name=name)
    plan, fates, filled, rows = planned(table), Counter[str](), 0, 0
    for row in table.rows():
        rows += 1
        for column, cell in enumerate(row.cells):
            if not is_empty(cell):
                filled += 1
                where = fate(plan, row, column)
                fates[where] += 1
                assert where != "lost", f"{name} row {row.number}: {table.titles[column]} = {cell!r}"
    assert fates["field"] + fates["custom"] + fates["refused"] + fates["left out"] == filled
    assert rows == table.count == ROWS[name][0]
    assert sum(is_refused(plan.body(row)) for row in table.rows()) == ROWS[name][1]


@pytest.mark.parametrize("name", FILES)
def test_no_part_of_a_record_is_invented(name: str) -> None:
    table = open_table(SAMPLES / name, name=name)
    plan = planned(table)
    for row in table.rows():
        found = plan.body(row)
        assert isinstance(found, Body)
        known = Counter(part for cell in row.cells for part in parts(cell)) + Counter([plan.program] * len(row.cells))
        known += Counter(code.lower() for cell in row.cells if (code := countries.code(str(cell))))
        assert told(found) <= known, told(found) - known


@pytest.mark.parametrize("name", FILES)
def test_every_record_of_a_sample_is_what_a_post_takes(name: str) -> None:
    table = open_table(SAMPLES / name, name=name)
    plan = planned(table)
    for row in table.rows():
        found = plan.body(row)
        assert isinstance(found, Body)
        CONTACT.draft(found.values, plan.asker)
        for named in found.names:
            assert named.link.to.name == COMPANY.name
            named.link.to.draft({"name": named.text or "unnamed", **named.fields})


def bodies(name: str) -> list[dict[str, Any]]:
    table = open_table(SAMPLES / name, name=name)
    plan = planned(table)
    return [found.values for row in table.rows() if isinstance(found := plan.body(row), Body)]


def test_what_is_odd_in_each_sample_is_understood() -> None:
    hubspot = bodies("hubspot.csv")
    assert hubspot[0]["source_id"] == "hubspot:70000000001"
    assert "owner" not in hubspot[0]
    assert hubspot[1]["owner"] == "sam@seller.example"
    assert hubspot[-1]["email"] == "PERSON00@Sample0.example"
    assert CONTACT.draft(hubspot[-1])["email"] == hubspot[0]["email"]
    salesforce = bodies("salesforce.csv")
    assert (salesforce[0]["address"], salesforce[0]["postal_code"]) == ("0 Example Street\r\nSuite 0", "02130")
    assert "last_name" not in salesforce[-1]
    pipedrive = bodies("pipedrive.csv")
    assert pipedrive[0]["email"] == "person00@sample0.example"
    assert pipedrive[0]["custom"]["Person - Email - Work"] == "work00@sample.example"
    assert pipedrive[1]["tags"] == ["Customer", "Hot-lead"]
    google = bodies("google.csv")
    assert (google[0]["phone"], google[0]["custom"]["Phone 1 - Value"]) == ("+1 (555) 010-0101", "+1 555 0199")
    assert google[0]["tags"] == ["myContacts", "starred"]
    assert google[0]["custom"]["Birthday"] == "--05-17"
    assert google[-1]["first_name"] == google[-1]["email"]
    outlook = bodies("outlook.csv")
    assert "Anniversary" not in outlook[0]["custom"]
    assert outlook[0]["phone"].isascii()
    exchange = outlook[7]
    assert "email" not in exchange
    assert exchange["custom"]["E-mail Address"].startswith("/o=ExampleLabs")
    mailchimp = bodies("mailchimp.csv")
    assert mailchimp[0]["tags"] == ["VIP", "Newsletter-monthly"]
    apple = bodies("apple.vcf")
    assert apple[3]["address"] == "4 rue Exemple\nBât. B"
    assert apple[4]["custom"]["Birthday"] == "1980-05-17"
    assert apple[5]["custom"]["Birthday"] == "--05-17"
    assert apple[5]["website"] == "https://bikes.example"
