"""DELETE /contacts/{id}?erase=1: nothing of a person stays, wherever it was kept."""

from functools import partial
from urllib.parse import quote

import pytest

from crmkit.core.erasure.job import NAME as ERASE
from crmkit.storage import jobs
from crmkit.storage.interface.workspace import Workspace
from tests.house import ALICE, BOB, House, Person
from tests.web.erasure.leaving import (
    EMAIL,
    NAME,
    asked,
    confirm_in,
    confirmed,
    erased,
    files_telling,
    lived,
    made,
    rows_telling,
)


def test_no_byte_of_a_person_stays_after_the_answer(town: House) -> None:
    with town.sign_in(ALICE) as alice:
        id, deal = lived(town, alice)
        assert len(rows_telling(town)) > 10
        answer = erased(town, alice, f"/contacts/{id}")
        assert answer.status_code == 200, answer.text
        assert answer.text.startswith(f"OK erased contact/{id}\n")
        assert "undo" not in answer.text
        assert rows_telling(town) == {}
        assert files_telling(town) == {}
        assert alice.json_of("GET", f"/deals/{deal}")["contact_id"] is None
        assert "Bob Wrong" in alice.text("GET", f"{of_import(alice)}?format=csv")


def of_import(alice: Person) -> str:
    """Return the path of the import that was done."""
    return next(
        f"/imports/{item['id']}" for item in alice.json_of("GET", "/imports")["items"] if item["state"] == "done"
    )


def test_the_log_says_that_something_happened_and_not_what(town: House) -> None:
    with town.sign_in("log@example.com") as me:
        id = made(me, "/contacts", {"name": NAME, "email": EMAIL})["id"]
        created = me.json_of("GET", f"/contacts/{id}/history")["items"][0]
        written = me.patch(f"/contacts/{id}", json={"notes": "hello"}).headers["x-operation"]
        cursor = me.json_of("GET", "/changes")["next_cursor"]
        erased(town, me, f"/contacts/{id}")
        entries = me.json_of("GET", f"/contacts/{id}/history")["items"]
        assert [entry["action"] for entry in entries] == [
            f"contact.{verb}" for verb in ("erase", "delete", "update", "create")
        ]
        assert {str(entry["changes"]) for entry in entries} == {"{}"}
        assert (entries[-1]["id"], entries[-1]["at"]) == (created["id"], created["at"])
        refused = me.post(f"/undo/{written}")
        assert refused.status_code == 409
        assert f"contact/{id}" in refused.text
        assert "was erased" in refused.text
        assert "can never be undone" in refused.text
        assert "Undo first" not in refused.text
        gone = me.get(f"/contacts/{id}")
        assert gone.status_code == 404
        assert "erased at" in gone.text
        assert "was erased" in me.get(f"/contacts/{id}?as_of=2026-06-10").text
        assert me.get(f"/contacts/{id}/blame").status_code == 200
        changes = me.json_of("GET", f"/changes?since={cursor}")["items"]
        assert [(change["handle"], change["change"]) for change in changes] == [(f"contact/{id}", "deleted")]


def test_it_takes_the_mailed_code_and_then_the_confirm_token(town: House) -> None:
    with town.sign_in("steps@example.com") as me:
        id = made(me, "/contacts", {"name": NAME, "email": EMAIL})["id"]
        of_delete = confirm_in(me.delete(f"/contacts/{id}").text)
        assert me.delete(f"/contacts/{id}?erase=1&confirm={of_delete}").status_code == 403
        assert me.delete(f"/contacts/{id}?erase=1&code=000000").status_code == 403
        told = asked(town, me, f"/contacts/{id}")
        assert told.status_code == 409
        assert "no undo brings it back" in told.text
        assert me.get(f"/contacts/{id}").status_code == 200
        path = f"/contacts/{id}?erase=1&confirm={confirm_in(told.text)}"
        me.patch(f"/contacts/{id}", json={"notes": "changed since"})
        assert me.delete(path).status_code == 403, "the record is another than was shown"
        assert erased(town, me, f"/contacts/{id}").status_code == 200
        again = me.delete(path)
        assert (again.status_code, "erased at" in again.text) == (404, True)


def test_one_who_was_deleted_or_merged_before_is_erased_by_the_old_id(town: House) -> None:
    with town.sign_in("before@example.com") as me:
        stays, goes = (made(me, "/contacts", {"name": f"{NAME} {number}"})["id"] for number in "ab")
        assert confirmed(me, "POST", f"/contacts/{stays}/merge", {"from": goes}).status_code == 200
        assert confirmed(me, "DELETE", f"/contacts/{stays}").status_code == 200
        assert "quorvblat" in me.text("GET", f"/audit?target=contact/{goes}").lower()
        assert f"erased contact/{stays}" in erased(town, me, f"/contacts/{goes}").text
        assert rows_telling(town) == {}
        letters = len(town.letterbox.letters)
        for id in (stays, goes):
            again = me.delete(f"/contacts/{id}?erase=1")
            assert (again.status_code, "erased at" in again.text) == (404, True)
        assert len(town.letterbox.letters) == letters, "nothing is left to confirm"


def test_a_request_under_a_key_is_not_done_again_once_its_person_is_erased(town: House) -> None:
    with town.sign_in("keys@example.com") as me:
        body, key = {"name": NAME, "email": EMAIL}, {"Idempotency-Key": "once"}
        id = made(me, "/contacts", body, **key)["id"]
        first = erased(town, me, f"/contacts/{id}", **{"Idempotency-Key": "erasing"})
        again = me.post("/contacts", json=body, headers=key)
        assert again.status_code == 422
        assert "erased since" in again.text
        assert me.json_of("GET", "/contacts")["total"] == 0
        replayed = me.delete(str(first.request.url), headers={"Idempotency-Key": "erasing"})
        assert replayed.text == first.text


def test_a_dry_run_changes_nothing(town: House) -> None:
    with town.sign_in("dry@example.com") as me:
        id = made(me, "/contacts", {"name": NAME, "email": EMAIL})["id"]
        tried = me.delete(f"/contacts/{id}?erase=1&dry_run=1")
        assert tried.status_code == 200
        assert tried.text.startswith(f"OK erased contact/{id}\n")
        assert f"# note: GET /search?q={quote(NAME)} finds what mentions them" in tried.text
        assert tried.text.endswith("# dry run: nothing was written\n")
        assert me.get(f"/contacts/{id}").status_code == 200
        assert len(me.json_of("GET", f"/contacts/{id}/history")["items"]) == 1
        erased(town, me, f"/contacts/{id}")


def test_others_who_mention_the_person_are_named_and_stay(town: House) -> None:
    with town.sign_in("mention@example.com") as me:
        other = "Ottoline Brackwater"
        id = made(me, "/contacts", {"name": other, "email": "ottoline@example.com"})["id"]
        deal = made(me, "/deals", {"title": f"Boat for {other}"})["id"]
        search = f"GET /search?q={quote(other)}"
        assert f"mention the person: {search} finds them" in asked(town, me, f"/contacts/{id}").text
        assert f"deal/{deal}" in me.text(*search.split())
        answer = erased(town, me, f"/contacts/{id}")
        assert f"# note: still mentioned in deal/{deal}: GET /search?q=" in answer.text
        assert me.json_of("GET", f"/deals/{deal}")["title"] == f"Boat for {other}"


def test_a_proposal_and_its_entries_go_with_the_person(town: House) -> None:
    with town.sign_in("propose@example.com") as me:
        workspace = me.json_of("GET", "/whoami")["workspace"].removeprefix("workspace/")
        made_token = made(me, f"/workspaces/{workspace}/tokens", {"token_name": "p", "access": "propose"})
        with Person(town.url, made_token["token"], me.email) as proposer:
            proposed = made(proposer, "/contacts", {"name": NAME, "email": EMAIL, "notes": "vyrkelsnoot"})["id"]
            other = made(proposer, "/contacts", {"name": "Somebody Else"})["id"]
            assert me.post(f"/proposals/{proposed}/approve").status_code in (200, 201)
            id = me.json_of("GET", f"/contacts/{EMAIL}")["id"]
            assert proposer.delete(f"/contacts/{id}?erase=1").status_code == 403
        assert erased(town, me, f"/contacts/{id}").status_code == 200
        assert me.get(f"/proposals/{proposed}").status_code == 404
        assert me.get(f"/proposals/{other}").status_code == 200
        told = rows_telling(town)
        assert not told.keys() & {"proposals", "audit", "contacts", "answers"}, told


def test_only_persons_are_erased_and_only_one_by_one(town: House) -> None:
    with town.sign_in("others@example.com") as me:
        company = made(me, "/companies", {"name": "Acme"})["id"]
        for path in (f"/companies/{company}?erase=1", "/contacts?name=x&erase=1"):
            refused = me.delete(path)
            assert refused.status_code == 400
            assert "erase" in refused.text
        told = me.delete(f"/companies/{company}?erase=1").text
        assert "FIELD erase  is for persons alone; without it, DELETE removes this" in told


def test_one_who_was_deleted_is_found_by_what_was_known_of_them(town: House) -> None:
    with town.sign_in("found@example.com") as me:
        id = made(me, "/contacts", {"name": NAME, "email": EMAIL})["id"]
        assert confirmed(me, "DELETE", f"/contacts/{id}").status_code == 200
        gone = me.delete(f"/contacts/{EMAIL}?erase=1")
        assert gone.status_code == 404
        assert (path := "/audit?action=contact.delete") in gone.text
        assert f"contact/{id}" in me.text("GET", path)
        assert EMAIL in me.text("GET", path)
        assert f"erased contact/{id}" in erased(town, me, f"/contacts/{id}").text


def test_codes_for_acts_run_out_apart_from_codes_to_sign_in(town: House) -> None:
    with town.sign_in("often@example.com") as me:
        ids = [made(me, "/contacts", {"name": f"Some Body {number}"})["id"] for number in range(7)]
        answers = [me.delete(f"/contacts/{id}?erase=1") for id in ids]
        assert [answer.status_code for answer in answers] == [403] * 5 + [429] * 2
        assert "5 codes for acts were sent" in answers[-1].text
        assert me.send_it("POST", "/auth/request", {"email": me.email}).status_code == 200


def test_a_stranger_and_a_token_that_does_not_delete_erase_nobody(town: House) -> None:
    with town.sign_in("owner@example.com") as me, town.sign_in(BOB) as bob:
        id = made(me, "/contacts", {"name": NAME, "email": EMAIL})["id"]
        assert bob.delete(f"/contacts/{id}?erase=1").status_code == 404
        workspace = me.json_of("GET", "/whoami")["workspace"].removeprefix("workspace/")
        token = made(me, f"/workspaces/{workspace}/tokens", {"token_name": "w", "access": "write"})["token"]
        with Person(town.url, token, me.email) as writer:
            refused = writer.delete(f"/contacts/{id}?erase=1")
        assert refused.status_code == 403
        assert "scope_required" in refused.text
        assert me.get(f"/contacts/{id}").status_code == 200
        erased(town, me, f"/contacts/{id}")


@pytest.mark.parametrize("sent", ["0", "false"])
def test_erase_0_deletes(town: House, sent: str) -> None:
    with town.sign_in("zero@example.com") as me:
        id = made(me, "/contacts", {"name": "Kept In The Log"})["id"]
        told = me.delete(f"/contacts/{id}?erase={sent}")
        assert told.status_code == 409
        assert "nothing of it" not in told.text


def test_a_workspace_does_not_leave_while_a_person_is_erased(town: House) -> None:
    with town.sign_in("leaving@example.com") as me:
        place = me.json_of("GET", "/whoami")["workspace"].removeprefix("workspace/")
        sql = "SELECT number FROM workspaces WHERE id = ?"
        number = town.do(town.crm.database.read(None, lambda c: c.execute(sql, (place,)).fetchone()[0]))
        later = partial(jobs.add, kind=ERASE, due_at="2100-01-01T00:00:00Z", workspace=Workspace(place, number))
        job = town.do(town.crm.database.write(later, lanes=[place]))
        refused = me.get(f"/workspaces/{place}/export")
        assert refused.status_code == 409
        assert "in_progress" in refused.text
        town.do(town.crm.database.write(lambda tx: jobs.stop(tx, place, job.id), lanes=[place]))
        assert me.get(f"/workspaces/{place}/export").status_code == 200
