"""Merging over HTTP: two steps, and the old id in every path, body and filter."""

import pytest

from tests.house import Person
from tests.teams.office import JSON, new


@pytest.fixture
def pair(alice: Person) -> tuple[str, str]:
    """The id of a contact that stays, and that of one that went into it."""
    stays, goes = new(alice, "/contacts", name="Jane Doe"), new(alice, "/contacts", name="J. Doe", job_title="CEO")
    merges(alice, f"/contacts/{stays}/merge", goes)
    return stays, goes


def merges(person: Person, path: str, source: str) -> str:
    """Merge in two steps, and return the text of the second answer."""
    asked = person.send_it("POST", path, {"from": source}, headers=JSON)
    assert (asked.status_code, asked.json()["error"]) == (409, "confirmation_required")
    return person.text("POST", f"{path}?confirm={asked.json()['confirm']}", {"from": source})


def test_the_answer_is_the_record_that_stays(alice: Person) -> None:
    stays, goes = new(alice, "/contacts", name="Jane"), new(alice, "/contacts", name="Jim", email="merged@acme.com")
    first, last, undo = merges(alice, f"/contact/contact%2F{stays}/merge", "merged@acme.com").strip().splitlines()
    assert first.startswith(f"contact/{stays}  name=Jane  email=merged@acme.com")
    assert last == "# merged"
    assert undo.startswith("# undo: POST /undo/op_")
    again = alice.send_it("POST", f"/contacts/{stays}/merge", {"from": goes}, headers=JSON)
    assert again.status_code == 400
    told = f"is the contact of the path itself: {goes} was merged into {stays}"
    assert again.json()["fields"] == {"from": told}


def test_the_first_step_writes_nothing_and_tells_what_the_second_does(alice: Person) -> None:
    one = new(alice, "/companies", name="Acme", industry="wool")
    other = new(alice, "/companies", name="ACME Inc.", industry="silk", city="Rome")
    log = alice.json_of("GET", "/audit")["total"]
    text = alice.text("POST", f"/companies/{one}/merge", {"from": other})
    assert text.startswith("ERROR confirmation_required\nHINT  ")
    assert (
        f'company/{other} ("ACME Inc.") goes into company/{one} (Acme). It keeps name=Acme (not "ACME Inc.") ' in text
    )
    assert "industry=wool (not silk) and gets city=Rome. The activities, contacts, deals, tasks, tickets and" in text
    assert f'{{"from":"{other}"}}' in text
    asked = alice.json_of("POST", f"/companies/{one}/merge", {"from": other})
    told = {name: asked[name] for name in ("into", "from", "kept", "dropped", "filled")}
    assert told == {
        "into": f"company/{one}",
        "from": f"company/{other}",
        "kept": {"name": "Acme", "industry": "wool"},
        "dropped": {"name": "ACME Inc.", "industry": "silk"},
        "filled": {"city": "Rome"},
    }
    assert alice.json_of("GET", "/audit")["total"] == log
    assert alice.json_of("GET", f"/companies/{other}")["name"] == "ACME Inc."


def test_the_version_of_the_record_that_stays_can_be_expected(alice: Person) -> None:
    one, other = new(alice, "/contacts", name="Jane"), new(alice, "/contacts", name="Jim")
    headers = {"If-Match": "2", **JSON}
    refused = alice.send_it("POST", f"/contacts/{one}/merge", {"from": other}, headers=headers)
    assert (refused.status_code, refused.json()["current"]["id"]) == (412, one)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/contacts/ID", None),
        ("GET", "/contacts/ID?fields=name", None),
        ("GET", "/contact/contact%2FID", None),
        ("PATCH", "/contacts/ID", {"notes": "wool"}),
        ("POST", "/contacts/ID/activities", {"body": "called"}),
        ("GET", "/contacts/ID/activities", None),
        ("POST", "/campaigns/CAMPAIGN/members", {"id": "ID"}),
        ("POST", "/tickets", {"subject": "Leak", "contact_id": "ID"}),
        ("POST", "/tickets", {"subject": "Leak", "contact_id": "contact/ID"}),
        ("POST", "/companies/COMPANY/activities", {"body": "called", "contact_id": "ID"}),
        ("PATCH", "/tasks/TASK", {"contact_id": "ID"}),
        ("GET", "/contacts?id=ID", None),
        ("GET", "/contacts?id=in:ID&search=jane", None),
        ("GET", "/deals?contact_id=ID", None),
        ("GET", "/deals?contact_id=ne:ID", None),
        ("GET", "/activities?contact=ID", None),
        ("GET", "/activities?contact=contact%2FID", None),
    ],
)
def test_the_old_id_answers_as_the_other_and_a_note_says_so(
    alice: Person, pair: tuple[str, str], method: str, path: str, body: dict[str, str] | None
) -> None:
    stays, goes = pair
    ids = {
        "CAMPAIGN": new(alice, "/campaigns", name="Spring"),
        "COMPANY": new(alice, "/companies", name="Acme"),
        "TASK": new(alice, "/tasks", title="Call"),
        "ID": goes,
    }
    for name, id in ids.items():
        path = path.replace(name, id)
        body = body and {key: value.replace(name, id) for key, value in body.items()}
    note = f"{goes} was merged into {stays}"
    text = alice.text(method, path, body)
    assert text.count(f"# note: {note}\n") == 1, text
    told = alice.json_of(method, path, body)
    assert told.get("remarks", told.get("notes")) == [note], told
    assert stays in text or path.startswith("/deals?"), text


def test_a_membership_ends_by_the_old_id(alice: Person, pair: tuple[str, str]) -> None:
    stays, goes = pair
    campaign = new(alice, "/campaigns", name="Spring")
    new(alice, f"/campaigns/{campaign}/members", id=goes)
    text = alice.text("DELETE", f"/campaigns/{campaign}/members/{goes}")
    note = f"{goes} was merged into {stays}"
    assert text.startswith(f"OK removed contact/{stays} from campaign/{campaign}\n# note: {note}\n")
    assert alice.json_of("GET", f"/campaigns/{campaign}/members")["items"] == []


def test_a_delete_by_the_old_id_names_the_record_that_it_means(alice: Person, pair: tuple[str, str]) -> None:
    stays, goes = pair
    asked = alice.json_of("DELETE", f"/contacts/{goes}")
    assert asked["hint"].startswith(f"{goes} was merged into {stays}. Its activities")
    assert f"DELETE /contacts/{stays}?confirm=" in asked["hint"]
    gone = alice.json_of("DELETE", f"/contacts/{goes}?confirm={asked['confirm']}")
    assert (gone["handle"], gone["notes"]) == (f"contact/{stays}", [f"{goes} was merged into {stays}"])
    for id, what in ((goes, f"This contact was merged into {stays}, which was"), (stays, "This contact was")):
        refused = alice.send_it("GET", f"/contacts/{id}", None, headers=JSON)
        assert refused.status_code == 404
        assert refused.json()["hint"].startswith(f"{what} deleted at 2026-")
    missing = alice.json_of("GET", f"/deals?contact_id={goes}")["notes"]
    assert f"there is no contact {goes} in this workspace" in missing


def test_the_log_is_asked_for_merges(alice: Person, pair: tuple[str, str]) -> None:
    stays, goes = pair
    entry = alice.json_of("GET", "/audit?action=contact.merge&limit=1")["items"][0]
    assert (entry["target"], entry["changes"]["merged_into"]) == (f"contact/{goes}", [None, stays])
    assert entry["changes"]["name"] == ["J. Doe", None]
    refused = alice.json_of("GET", "/audit?action=deal.merge")
    assert refused["error"] == "invalid_value"


def test_only_records_of_kinds_that_say_so_are_merged(alice: Person) -> None:
    one, other = new(alice, "/deals", title="Boat"), new(alice, "/deals", title="Ship")
    assert alice.json_of("POST", f"/deals/{one}/merge", {"from": other})["error"] == "unknown_path"


def test_an_agent_merges_over_mcp(alice: Person) -> None:
    one, other = new(alice, "/contacts", name="Jane"), new(alice, "/contacts", name="Jim")

    def told(path: str) -> str:
        wanted = {"name": "request", "arguments": {"method": "POST", "path": path, "body": {"from": other}}}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": wanted}
        return str(alice.json_of("POST", "/mcp", call)["result"]["content"][0]["text"])

    hint = told(f"/contacts/{one}/merge")
    path = hint.partition("POST ")[2].partition(" ")[0]
    assert "\n# merged\n" in told(path)
