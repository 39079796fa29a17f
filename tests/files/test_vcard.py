"""vCard 2.1, 3.0 and 4.0; what is read is compared with a reader that others wrote."""

import re

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st
from icalendar.parser import Contentlines

from crmkit.files.content_lines import properties, unescaped
from crmkit.files.opening import open_table
from tests.files.made import SAMPLES, Folder, dicts


def card(*lines: str, version: str = "3.0") -> str:
    return "\r\n".join(("BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""))


def filled(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{title: cell for title, cell in row.items() if cell} for row in rows]


def test_cards_of_apple_are_read(folder: Folder) -> None:
    rows = filled(dicts(open_table(SAMPLES / "apple.vcf")))
    assert len(rows) == 12
    assert str(rows[0]["Photo"]).startswith("data:image/jpeg;base64,/9j/4AABAgMEBQYHCAkK")
    assert rows[1]["E-mail 2 - Label"] == "Home"
    assert str(rows[3]["Notes"]).startswith("First line\nSecond line, with a comma; a semicolon")
    assert rows[3]["Address 1 - Street"] == "4 rue Exemple\nBât. B"
    assert rows[5]["Birthday"] == "--05-17"
    assert rows[5]["Labels"] == "myContacts ::: Customers"
    assert rows[9]["X-ABSHOWAS"] == "COMPANY"


def test_every_value_that_another_reader_finds_is_found(folder: Folder) -> None:
    text = (SAMPLES / "apple.vcf").read_bytes().decode()
    for theirs, ours in zip(vobject.readComponents(text), dicts(open_table(SAMPLES / "apple.vcf")), strict=True):
        cells = {str(cell) for cell in ours.values() if cell}
        for name in ("fn", "title", "note", "email", "tel", "url", "uid"):
            for line in theirs.contents.get(name, []):
                # theirs ends a text at a comma without a backslash, and leaves those of a URL
                assert any(cell.startswith(unescaped(line.value)) for cell in cells)
        name = theirs.n.value
        assert (ours["First Name"], ours["Last Name"]) == (name.given, name.family)
        if "org" in theirs.contents:
            assert ours["Organization Name"] == theirs.org.value[0]
        if "adr" in theirs.contents:
            assert ours["Address 1 - City"] == theirs.adr.value.city


def test_every_line_is_what_another_parser_makes_of_it() -> None:
    text = (SAMPLES / "apple.vcf").read_bytes().decode()
    ours = [found for _, found in properties(text.splitlines(keepends=True))]
    theirs = [line for line in Contentlines.from_ical(text) if line]
    assert len(ours) == len(theirs)
    for found, line in zip(ours, theirs, strict=True):
        name, params, value = line.parts()
        assert name.upper() in (found.name, f"{found.group}.{found.name}".upper())
        assert unescaped(value) == unescaped(found.value)
        for key, words in params.items():
            theirs_words = words if isinstance(words, list) else [words]
            assert set(theirs_words) <= set(found.params[key.upper()])


def test_version_2_1_is_read(folder: Folder) -> None:
    rows = folder.rows(
        card(
            "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=4D=C3=BC=\r\nller;J=C3=BCrgen;;;",
            "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen=20M=C3=BCller",
            "TEL;WORK;FAX:+49 2",
            "TEL;CELL;PREF:+49 1",
            "EMAIL;HOME:a@b.example",
            "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:caf=E9=0D=0Abar",
            "PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ\r\n SkZJRg==\r\n",
            version="2.1",
        )
    )
    assert filled(rows) == [
        {
            "Name": "Jürgen Müller",
            "First Name": "Jürgen",
            "Last Name": "Müller",
            "Notes": "café\r\nbar",
            "E-mail 1 - Label": "Home",
            "E-mail 1 - Value": "a@b.example",
            "Phone 1 - Label": "Mobile",
            "Phone 1 - Value": "+49 1",
            "Phone 2 - Label": "Work Fax",
            "Phone 2 - Value": "+49 2",
            "Photo": "data:image/jpeg;base64,/9j/4AAQSkZJRg==",
        }
    ]


def test_version_4_0_is_read(folder: Folder) -> None:
    rows = folder.rows(
        card(
            "FN:x\\, y\\\\n\\nz",
            'TEL;VALUE=uri;PREF=2;TYPE="voice,home":tel:+1-555',
            "TEL;VALUE=uri;PREF=1;TYPE=work:tel:+1-556;ext=9",
            'ADR;LABEL="5: a^nb":;;;;;;',
            "ADR;TYPE=work:1;Apt 2;Str\\, 5;City,Town;R;00501;DE",
            "BDAY:19800517",
            "ORG:A\\;B;C;D",
            "CATEGORIES:a,b\\,c",
            "EMAIL:mailto:a@b.example",
            "X-ODD;X=1:one",
            "X-ODD:two",
            version="4.0",
        )
    )
    assert filled(rows) == [
        {
            "Name": "x, y\\n\nz",
            "Organization Name": "A;B",
            "Organization Department": "C, D",
            "Birthday": "1980-05-17",
            "Labels": "a ::: b,c",
            "E-mail 1 - Value": "a@b.example",
            "Phone 1 - Label": "Work",
            "Phone 1 - Value": "+1-556 ext. 9",
            "Phone 2 - Label": "Home",
            "Phone 2 - Value": "+1-555",
            "Address 1 - Street": "5: a\nb",
            "Address 2 - Label": "Work",
            "Address 2 - PO Box": "1",
            "Address 2 - Extended Address": "Apt 2",
            "Address 2 - Street": "Str, 5",
            "Address 2 - City": "City, Town",
            "Address 2 - Region": "R",
            "Address 2 - Postal Code": "00501",
            "Address 2 - Country": "DE",
            "X-ODD": "one",
            "X-ODD 2": "two",
        }
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1980-05-17", "1980-05-17"),
        ("19800517", "1980-05-17"),
        ("1980-05-17T00:00:00Z", "1980-05-17"),
        ("19800517T000000", "1980-05-17"),
        ("1980-05-17T09:30:00Z", "1980-05-17T09:30:00Z"),
        ("--0517", "--05-17"),
        ("--05-17", "--05-17"),
        ("1980", "1980"),
        ("circa 1800", "circa 1800"),
    ],
)
def test_birthdays_are_days(folder: Folder, written: str, read: str) -> None:
    assert folder.rows(card("FN:x", f"BDAY:{written}"))[0]["Birthday"] == read


def test_line_ends_and_encodings_do_not_matter(folder: Folder) -> None:
    text = card("FN:Zoë Größer", "NOTE:one\r\n  two")
    for end in ("\r\n", "\n", "\r"):
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
            rows = folder.rows(text.replace("\r\n", end).encode(encoding))
            assert rows == [{"Name": "Zoë Größer", "Notes": "one two"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (card("FN:x", version="5.0"), "2.1, 3.0 and 4.0"),
        (card("FN:x").replace("END:VCARD\r\n", ""), "no END:VCARD"),
        (card("FN:x") + "FN:y\r\n", "outside of a card"),
        (card("FN:x", "nonsense"), "Line 4 is no line of a vCard"),
        (card("BEGIN:VCARD", "END:VCARD"), "holds another card"),
        *[
            (card(f"FN;ENCODING=QUOTED-PRINTABLE;CHARSET={charset}:x=41"), charset)
            for charset in ("nonsense", "punycode", "idna", "unicode_escape", "raw_unicode_escape", "rot13", "hex")
        ],
        (card("FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=FF"), "Line 3"),
        (card(*("EMAIL:a@b.example",) * 3000), "columns"),
        (card(*("X-A:a",) * 5000), "properties"),
        (card("NOTE:" + "x" * 2_000_000), "longer than"),
        (card(*("NOTE:" + "x" * 1_000_000,) * 10), "Card 1 has more than"),
        (card("PHOTO;ENCODING=b:" + "x" * 9_000_000), "longer than"),
        (card("PHOTO;ENCODING=b:", *(" " + "x" * 70,) * 130_000), "longer than"),
        ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", "calendar"),
    ],
)
def test_what_is_no_card_is_refused(folder: Folder, text: str, told: str) -> None:
    assert told in folder.refusal(text)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=30)


@given(first=words, last=words, note=st.lists(words, min_size=1, max_size=4), labels=st.lists(words, min_size=1))
def test_what_another_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, first: str, last: str, note: list[str], labels: list[str]
) -> None:
    written = vobject.vCard()
    written.add("n").value = vobject.vcard.Name(family=last, given=first)
    written.add("fn").value = f"{first} {last}"
    written.add("note").value = "\n".join(note)
    written.add("categories").value = labels
    row = Folder(tmp_path_factory.mktemp("vcard")).rows(written.serialize())[0]
    assert (row["First Name"], row["Last Name"], row["Name"]) == (first, last, f"{first} {last}")
    assert row["Notes"] == "\n".join(note)
    assert row["Labels"] == " ::: ".join(labels)
    assert re.search(r"\r", str(row["Notes"])) is None


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("GEO:geo:52.52,-0.0000001", {"Latitude": "52.52", "Longitude": "-0.0000001"}),
        ("GEO:52.52;13.4", {"Latitude": "52.52", "Longitude": "13.4"}),
        ("GEO:geo:52.52,13.4;u=10", {"GEO": "geo:52.52,13.4;u=10"}),
        ("TZ:Europe/Berlin", {"Time Zone": "Europe/Berlin"}),
        ("TZ:UTC", {"Time Zone": "UTC"}),
        ("TZ:-05:00", {"TZ": "-05:00"}),
    ],
)
def test_where_somebody_is_has_a_column_for_each_part(folder: Folder, line: str, cells: dict[str, str]) -> None:
    assert folder.rows(card("FN:x", line)) == [{"Name": "x", **cells}]
