"""Titles of columns are understood: those of our own fields, of well-known programs, in several languages."""

import pytest

from crmkit.core.transfer.mapping import Body, Plan, tables, words
from crmkit.model.record import Kind
from crmkit.storage.transfer.imports import Options
from tests.core.transfer.mapping import headers as written
from tests.core.transfer.mapping.tables import ASKER, fields, planned, table
from tests.kinds import ACTIVITY, KINDS, REGISTRY
from tests.project import assets


def headers(text: str) -> list[tuple[str, str]]:
    """Return what stands before each header, and the header in one line."""
    found: list[tuple[str, str]] = []
    for line in text.strip().splitlines():
        if line.startswith(" "):
            of, before = found.pop()
            found.append((of, f"{before} {line.strip()}".strip()))
        else:
            found.append((line, ""))
    return found


OF_PROGRAMS, OTHERS = headers(written.OF_PROGRAMS), headers(written.OTHERS)


def split(header: str) -> tuple[list[str], list[str]]:
    pairs = [pair.rpartition("=") for pair in header.split(", ")]
    return [title for title, _, _ in pairs], [field for _, _, field in pairs]


@pytest.mark.parametrize(("of", "header"), OF_PROGRAMS, ids=[of for of, _ in OF_PROGRAMS])
def test_a_program_is_recognised_and_its_titles_understood(of: str, header: str) -> None:
    program, name = of.split()
    found, expected = split(header)
    assert planned(table(found), REGISTRY.by_word[name]).program == program
    assert fields(found, REGISTRY.by_word[name]) == expected


@pytest.mark.parametrize(("name", "header"), OTHERS)
def test_titles_are_understood_in_many_languages(name: str, header: str) -> None:
    found, expected = split(header)
    assert planned(table(found), REGISTRY.by_word[name]).program == ""
    assert fields(found, REGISTRY.by_word[name]) == expected


@pytest.mark.parametrize("kind", [*KINDS, ACTIVITY], ids=lambda kind: kind.name)
def test_every_field_that_a_post_takes_is_known_by_its_name(kind: Kind) -> None:
    assert fields(list(kind.taken), kind) == list(kind.taken)


@pytest.mark.parametrize("kind", [*KINDS, ACTIVITY], ids=lambda kind: kind.name)
def test_of_what_only_the_server_writes_an_export_of_ours_gives_the_id_and_what_is_past(kind: Kind) -> None:
    names = ["handle", "id", *(name for name in kind.names if name != "id")]
    assert fields(names, kind) == ["", "id", *(name if name in kind.imported else "" for name in names[2:])]


def test_a_read_only_name_in_a_file_of_another_program_is_kept_as_custom() -> None:
    assert fields(["name", "score", "Colour"]) == ["name", "custom.score", "custom.Colour"]
    assert fields(["handle", "name"]) == ["custom.handle", "name"]
    assert fields(["handle", "id", "name", "score", "Colour"]) == ["", "id", "name", "", "custom.Colour"]


def test_an_export_of_ours_is_known_by_its_ids_too() -> None:
    titles = ["id", "name", "created_at"]
    for id, expected in (("c_7w6tswuk", ["id", "name", ""]), ("17", ["custom.id", "name", "custom.created_at"])):
        plan = planned(table(titles, (id, "N/A", "2026-01-01")))
        assert [column.field for column in plan.columns] == expected


def test_the_first_two_columns_of_our_own_report_are_left_out() -> None:
    assert fields(["row", "error", "Full Name", "E-Mail"]) == ["", "", "name", "email"]
    assert fields(["name", "row", "error"]) == ["name", "custom.row", "custom.error"]


def test_no_table_of_titles_names_a_field_that_no_kind_has() -> None:
    every = {name for kind in (*KINDS, ACTIVITY) for name in kind.imported} | {"*", "custom", "left out"}
    for said, _ in tables.lines(words.FIELDS):
        assert set(tables.meaning_of(said).fields) <= every, said
    for program in tables.known_programs().values():
        for meaning in program.meanings.values():
            for name in meaning.fields:
                place, dot, field = name.partition(".")
                assert (field or place) in every | {"company", "contact"}, name
                assert not dot or place in REGISTRY.by_word


@pytest.mark.parametrize("kind", [*KINDS, ACTIVITY], ids=lambda kind: kind.name)
def test_no_title_means_two_fields_of_a_kind(kind: Kind) -> None:
    seen: dict[str, str] = {}
    for said, line in tables.lines(words.FIELDS):
        names = [kind.title.name if name == "*" and kind.has_title else name for name in tables.meaning_of(said).fields]
        field = next((name for name in names if name in kind.taken), None)
        for word in map(tables.key, line.split(";")) if field else ():
            assert word, f"{said} has an empty title"
            assert seen.setdefault(word, field or "") == field, f"{word}: {seen[word]} and {field}"


def test_a_kind_that_the_product_does_not_have_is_understood_by_its_declaration() -> None:
    found = [
        "Title",
        "Mailbox",
        "Status",
        "Labels",
        "Notes",
        "Contact",
        "Contact Email",
        "Group",
        "Follow up",
        "Colour",
    ]
    made = table(found, ("Lamp", "l@x.example", "Open", "a, b", "", "Ada", "ada@x.example", "", "5 May 2026", "red"))
    plan = Plan.of(made, assets.KINDS, Options("assets"), ASKER)
    fields = ["title", "mailbox", "status", "tags", "notes", "contact", "contact.email", "group", "follow_up_at"]
    assert [column.field for column in plan.columns] == [*fields, "custom.Colour"]
    (row,) = made.rows()
    body = plan.body(row)
    assert isinstance(body, Body)
    assert (body.values["tags"], body.values["follow_up_at"]) == (["a", "b"], "2026-05-05")
    assert [name.fields for name in body.names] == [{"email": "ada@x.example"}]


def test_ids_tell_which_of_two_programs_wrote_a_file() -> None:
    deals = ["Record Id", "Deal Name", "Amount", "Stage", "Closing Date", "Account Name.id", "Account Name"]
    contacts = ["Record Id", "First Name", "Last Name", "Contact Owner", "Account Name"]
    for name, found in (("deal", deals), ("contact", contacts)):
        for id, program in (("zcrm_7", "zoho"), ("17", "zoho" if name == "deal" else "hubspot")):
            made = table(found, (id, *("" for _ in found[1:])))
            plan = planned(made, REGISTRY.by_word[name])
            assert (plan.program, plan.columns[0].field) == (program, "source_id"), (name, id)
            again = Plan.of(made, REGISTRY, Options(REGISTRY.by_word[name].plural), ASKER, kept=plan.kept)
            assert (again.program, again.columns) == (plan.program, plan.columns)
    assert fields(deals, REGISTRY.by_word["deal"])[5] == "company.source_id"
