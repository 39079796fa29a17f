"""An answer beyond 100,000 characters is cut at a line, with a note that says how to get the rest."""

import re

from crmkit.mcp.cut import MAX_CHARACTERS, cut
from crmkit.render import parse
from tests.house import House, Person
from tests.kinds import CONTACT
from tests.mcp.test_calls import call


def test_an_answer_of_a_tool_that_fits_is_not_cut() -> None:
    for size in (0, 1, MAX_CHARACTERS - 1):
        assert cut("x" * size + "\n") == "x" * size + "\n"


def test_an_answer_that_is_too_long_loses_whole_lines() -> None:
    lines = [f"contact/c_{number:08d}  name={'x' * 90}\n" for number in range(1200)]
    shown = cut("".join(lines))
    *kept, note = shown.splitlines(keepends=True)
    assert kept == lines[: len(kept)]
    assert len("".join(kept)) <= MAX_CHARACTERS < len("".join(lines[: len(kept) + 1]))
    assert note.startswith(f"# note: cut after {len(kept)} lines, at 100000 characters; send limit={len(kept)} ")


def test_an_export_that_is_too_long_names_the_list_that_has_pages(alice: Person) -> None:
    items = [{"name": f"Jane {number}", "notes": "x" * 800} for number in range(150)]
    assert alice.post("/contacts/batch", json=items).status_code == 201
    failed, shown = call(alice, "read", path="/contacts/export?format=csv")
    note = shown.splitlines()[-1]
    assert (failed, note.startswith("# note: cut after ")) == (False, True)
    listed = re.findall(r"GET (\S+) has pages", note)[0]
    assert "# next: " in call(alice, "read", path=f"{listed}?limit=100&fields=name")[1]
    assert "POST /links " in note
    assert "limit=" not in note


def test_the_answer_to_a_write_that_is_too_long_names_no_pages() -> None:
    note = cut("item/1  outcome=failed\n" * 9000, "POST", "/contacts/batch").splitlines()[-1]
    assert note.endswith("; send fewer at a time to see what becomes of each")


def test_one_line_that_is_too_long_is_cut_in_itself() -> None:
    first, note = cut("x" * 150_000 + "\n# total: 1\n").splitlines()
    assert first == "x" * MAX_CHARACTERS
    assert note.startswith("# note: ")


def test_a_list_obeys_its_limit_and_a_long_one_tells_how_to_go_on(home: House, alice: Person) -> None:
    for number in range(12):
        home.clock.move(seconds=1)
        alice.json_of("POST", "/contacts", {"name": f"Jane {number}", "notes": "long " * 3_900})
    failed, shown = call(alice, "read", path="/contacts?limit=3&sort=created_at")
    assert (failed, len(re.findall("^contact/", shown, re.MULTILINE)), "# next: " in shown) == (False, 3, True)
    failed, shown = call(alice, "read", path="/contacts?fields=name,notes&sort=created_at")
    assert failed is False
    assert len(shown) <= MAX_CHARACTERS + 300
    *records, note = shown.splitlines()
    assert [parse.record(CONTACT, record)["name"] for record in records] == [f"Jane {n}" for n in range(len(records))]
    assert 1 <= len(records) < 12
    # the note's own advice gets the rest, record by record
    limit = re.findall(r"send (limit=\d+)", note)[0]
    found, path = [], f"/contacts?fields=name,notes&sort=created_at&{limit}"
    cursor = ""
    while True:
        _, shown = call(alice, "read", path=path + cursor)
        assert "cut after" not in shown
        found += re.findall(r'^contact/\S+  name="(Jane \d+)"', shown, re.MULTILINE)
        following = re.findall(r"^# next: (\S+)$", shown, re.MULTILINE)
        if not following:
            break
        cursor = f"&cursor={following[0]}"
    assert found == [f"Jane {n}" for n in range(12)]


def test_a_single_record_that_is_too_long_says_how_to_read_it_in_parts(alice: Person) -> None:
    made = alice.json_of("POST", "/contacts", {"name": "Jane", "notes": "x" + "\u200b" * 19_999})
    failed, shown = call(alice, "read", path=f"/contacts/{made['id']}")
    assert failed is False
    assert shown.splitlines()[1].startswith("# note: the first line is longer than 100000 characters")
    assert "fields=" in shown
    assert call(alice, "read", path=f"/contacts/{made['id']}?fields=name")[1].startswith(
        f"contact/{made['id']}  name=Jane\n"
    )


def test_a_json_answer_that_is_too_long_has_the_note_as_well(alice: Person) -> None:
    for number in range(8):
        alice.json_of("POST", "/contacts", {"name": f"Jane {number}", "notes": "long " * 3_900})
    _, shown = call(alice, "read", path="/contacts?format=json")
    assert shown.splitlines()[-1].startswith("# note: ")
