"""A cell that no field can keep refuses its row: the other rows of its file are imported, whatever the format."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.files.made import workbook
from tests.house import Person
from tests.web.handlers.transfer.imports.test_imports import ended, names

BESIDE = ("Ada", "Zoe")  # rows before and after the one that is odd
NUL, SURROGATE, DEEP = "holds a NUL", "half of a surrogate pair", "deeper than 32"


def imported(person: Person, content: str | bytes, query: str = "", type: str = "text/csv") -> Any:
    sent = content.encode() if isinstance(content, str) else content
    answer = person.post(
        f"/import?{query}&start=1", content=sent, headers={"Content-Type": type, "Accept": "application/json"}
    )
    assert answer.status_code in (200, 201, 202), answer.text
    return ended(person, answer.json()["id"])


def refused_alone(person: Person, found: Any, plural: str = "contacts") -> dict[str, str]:
    """Return what is wrong with the one row that was refused."""
    assert (found["state"], found["rows"], found["creates"], found["refused"]) == ("done", 3, 2, 1), found
    assert names(person, f"/{plural}") == [*BESIDE]
    (row,) = found["refused_rows"]
    assert row["error"] == "invalid_value"
    report = person.get(f"/imports/{found['id']}?format=csv")
    assert report.status_code == 200, report.text
    assert "\x00" not in report.text
    assert person.post("/import", content=report.content).status_code == 201
    told: dict[str, str] = row["fields"]
    return told


def rows(head: str, odd: str) -> str:
    return f"{head}\n{BESIDE[0]},\n{odd}\n{BESIDE[1]},\n"


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ('"\\ud800"', SURROGATE),
        ('"\\u0000"', NUL),
        ('{"a":["\\u0000"]}', NUL),
        ("[" * 40 + "]" * 40, DEEP),
        ('{"\\udfff":1}', SURROGATE),
    ],
)
def test_json_of_what_no_field_keeps_in_a_cell_of_custom(alice: Person, cell: str, told: str) -> None:
    found = imported(alice, rows("name,custom.size", f"Odd,{quoted(cell)}"))
    assert told in refused_alone(alice, found)["custom"]


@pytest.mark.parametrize(
    "cell", ["9" * 5000, "9" * 25, "[" * 2000, "[" + "9" * 5000 + "]", "1e999", "[1e999]", "[NaN]"]
)
def test_a_cell_that_is_hardly_json_is_text(alice: Person, cell: str) -> None:
    assert imported(alice, rows("name,custom.size", f"Odd,{quoted(cell)}"))["creates"] == 3
    assert {each["custom"]["size"] for each in alice.json_of("GET", "/contacts")["items"] if each["custom"]} == {cell}


@pytest.mark.parametrize("cell", ["[" * 2000, "[" + "9" * 5000 + "]"])
@pytest.mark.parametrize("field", ["tags", "custom.l", "custom.o", "custom.n"])
def test_tags_and_declared_keys_take_such_a_cell_or_refuse_its_row(alice: Person, field: str, cell: str) -> None:
    for key, type_ in (("l", "list"), ("o", "object"), ("n", "number")):
        alice.json_of("POST", "/fields", {"kind": "contact", "key": key, "type": type_})
    found = imported(alice, rows(f"name,{field}", f"Odd,{quoted(cell)}"))
    assert (found["state"], found["creates"] + found["refused"]) == ("done", 3)
    assert {*BESIDE} <= {*names(alice)}


@pytest.mark.parametrize(
    ("zone", "cell"), [("Europe/Berlin", "9999-12-31T23:59:59Z"), ("America/Lima", "0001-01-01T00:00:00Z")]
)
@pytest.mark.parametrize(("plural", "head"), [("deals", "title,close_date"), ("contacts", "name,follow_up_at")])
def test_a_time_past_the_calendar_in_the_zone_of_who_imports(
    alice: Person, zone: str, cell: str, plural: str, head: str
) -> None:
    alice.json_of("PATCH", "/me", {"timezone": zone})
    found = imported(alice, rows(head, f"Odd,{cell}"), f"kind={plural}")
    assert (found["state"], found["creates"] + found["refused"]) == ("done", 3), found


@pytest.mark.parametrize(("cell", "told"), [("a_x0000_b", NUL), ("a_xD800_b", SURROGATE)])
@pytest.mark.parametrize("is_shared", [True, False])
def test_characters_that_a_workbook_spells(
    alice: Person, tmp_path: Path, cell: str, told: str, is_shared: bool
) -> None:
    texts = ["name", "notes", BESIDE[0], "Odd", cell, BESIDE[1]]

    def spelled(at: int) -> str:
        return f'<c t="s"><v>{at}</v></c>' if is_shared else f'<c t="inlineStr"><is><t>{texts[at]}</t></is></c>'

    strings = "".join(f"<si><t>{text}</t></si>" for text in texts)
    sheet = "".join(f"<row>{''.join(map(spelled, row))}</row>" for row in ((0, 1), (2,), (3, 4), (5,)))
    content = workbook(tmp_path / "odd.xlsx", sheet, **{"xl/sharedStrings.xml": f"<sst>{strings}</sst>"})
    assert told in refused_alone(alice, imported(alice, content))["notes"]


def test_the_last_moment_of_the_calendar_in_a_workbook(alice: Person, tmp_path: Path) -> None:
    styles = '<styleSheet><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>'
    cells = [[f'<c t="inlineStr"><is><t>{text}</t></is></c>'] for text in ("name", BESIDE[0], "Odd", BESIDE[1])]
    cells[0].append('<c t="inlineStr"><is><t>when</t></is></c>')
    cells[2].append('<c s="1"><v>2958465.9999999995</v></c>')
    sheet = "".join(f"<row>{''.join(row)}</row>" for row in cells)
    found = imported(alice, workbook(tmp_path / "odd.xlsx", sheet, **{"xl/styles.xml": styles}))
    assert (found["state"], found["creates"]) == ("done", 3)


def test_a_nul_that_a_card_spells(alice: Person) -> None:
    note = "NOTE;ENCODING=QUOTED-PRINTABLE:a=00b\r\n"
    cards = [
        f"BEGIN:VCARD\r\nVERSION:2.1\r\nFN:{name}\r\n{note if name == 'Odd' else ''}END:VCARD\r\n"
        for name in (BESIDE[0], "Odd", BESIDE[1])
    ]
    assert NUL in refused_alone(alice, imported(alice, "".join(cards)))["notes"]


@pytest.mark.parametrize("value", [10**30, [10**30]])
def test_a_whole_number_past_64_bits_in_json(alice: Person, value: Any) -> None:
    alice.json_of("POST", "/fields", {"kind": "contact", "key": "n", "type": "number"})
    items = [{"name": BESIDE[0]}, {"name": "Odd", "custom": {"n": value}}, {"name": BESIDE[1]}]
    assert refused_alone(alice, imported(alice, json.dumps(items)))


def test_a_title_that_no_key_can_be_refuses_the_file(alice: Person, tmp_path: Path) -> None:
    sheet = "".join(
        f'<row><c t="inlineStr"><is><t>{a}</t></is></c><c t="inlineStr"><is><t>{b}</t></is></c></row>'
        for a, b in (("name", "a_x0000_b"), ("Jane", "x"))
    )
    answer: httpx.Response = alice.post("/import", content=workbook(tmp_path / "odd.xlsx", sheet))
    assert answer.status_code == 400
    assert "title of column 2 holds a NUL" in answer.text
