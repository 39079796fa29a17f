"""Everyone at once: one contact per email, no cap passed, no change lost."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.crowd import Call, at_once, statuses
from tests.house import ALICE, UNLIMITED, House, Person, house, process

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    """A server with nothing in it."""
    with house(tmp_path / "data", UNLIMITED) as running:
        yield running


@pytest.fixture
def alice(home: House) -> Iterator[Person]:
    with home.sign_in(ALICE) as person:
        yield person


def test_two_hundred_posts_of_one_email_leave_one_contact(home: House, alice: Person) -> None:
    choice = random.Random(1)
    calls = []
    for number in range(200):
        email = "".join(choice.choice([c.lower(), c.upper()]) for c in "jane.doe@acme.com")
        calls.append(Call("POST", "/contacts", {"name": f"Jane {number}", "email": email, "stage": f"call {number}"}))
    answers = at_once(home.url, calls, alice.token)
    assert statuses(answers) == {201: 1, 200: 199}
    assert {answer.json()["email"] for answer in answers} == {"jane.doe@acme.com"}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 201))  # each saw its own change
    listed = alice.json_of("GET", "/contacts?count=exact")
    assert listed["total"] == len(listed["items"]) == 1
    (contact,) = listed["items"]
    assert contact["version"] == 200
    assert contact["name"].split()[1] == contact["stage"].split()[1]  # of one call, not of two
    assert contact["id"] in {answer.json()["id"] for answer in answers}
    assert alice.json_of("GET", "/audit?action=contact.create")["total"] == 1
    assert alice.json_of("GET", "/audit?action=contact.update")["total"] == 199
    assert alice.json_of("GET", "/whoami")["usage"]["contacts"]["used"] == 1


def test_a_hundred_posts_of_one_domain_leave_one_company(home: House, alice: Person) -> None:
    choice = random.Random(2)
    spelled = ["".join(choice.choice([c.lower(), c.upper()]) for c in "münchen.example") for _ in range(50)]
    spelled += ["xn--mnchen-3ya.example", " MÜNCHEN.example "] * 25
    calls = [Call("POST", "/companies", {"name": f"Co {n}", "domain": domain}) for n, domain in enumerate(spelled)]
    answers = at_once(home.url, calls, alice.token)
    assert statuses(answers) == {201: 1, 200: 99}
    assert {answer.json()["domain"] for answer in answers} == {"xn--mnchen-3ya.example"}
    assert alice.json_of("GET", "/companies?count=exact")["total"] == 1


def test_of_forty_contacts_patched_to_one_email_in_the_same_moment_one_gets_it(home: House, alice: Person) -> None:
    ids = [alice.json_of("POST", "/contacts", {"name": f"Jane {number}"})["id"] for number in range(40)]
    answers = at_once(
        home.url, [Call("PATCH", f"/contacts/{id}", {"email": "Jane@Acme.com"}) for id in ids], alice.token
    )
    assert statuses(answers) == {200: 1, 409: 39}
    (winner,) = [answer.json()["id"] for answer in answers if answer.status_code == 200]
    assert {answer.json()["handle"] for answer in answers if answer.status_code == 409} == {f"contact/{winner}"}
    assert alice.json_of("GET", "/contacts?email=not:null")["total"] == 1


def test_fifty_creates_at_once_do_not_pass_a_cap_of_three(tmp_path: Path) -> None:
    config = tmp_path / "crmkit.toml"
    config.write_text('[plans]\ndefault = "small"\n[plans.small]\ncontacts = 3\n[limits]\nrequests_per_minute = 0\n')
    with process(tmp_path / "data", "--config", str(config)) as served, served.sign_in() as me:
        calls = [Call("POST", "/contacts", {"name": f"Jane {n}", "email": f"jane{n}@acme.com"}) for n in range(50)]
        answers = at_once(served.url, calls, me.token)
        assert statuses(answers) == {201: 3, 403: 47}
        refused = [answer.json() for answer in answers if answer.status_code == 403]
        assert {(r["error"], r["plan"], r["resource"], r["cap"], r["used"]) for r in refused} == {
            ("plan_limit_reached", "small", "contacts", 3, 3)
        }
        assert "contacts: 3 / 3\n" in me.text("GET", "/whoami")
        kept = me.json_of("GET", "/contacts")["items"]
        assert len(kept) == 3

        merged = me.post("/contacts", json={"email": kept[0]["email"], "stage": "lead"})
        assert (merged.status_code, merged.text.splitlines()[-1]) == (200, "# updated")  # a merge needs no room
        path = f"/contacts/{kept[0]['id']}"
        confirm = me.json_of("DELETE", path)["confirm"]
        assert me.delete(f"{path}?confirm={confirm}").status_code == 200
        again = at_once(served.url, calls[:20], me.token)
        assert statuses(again)[201] == 1
        assert "contacts: 3 / 3\n" in me.text("GET", "/whoami")
        assert served.stop() == 0


def test_no_increment_under_if_match_is_lost(home: House, alice: Person) -> None:
    path = f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'Counter', 'custom': {'n': 0}})['id']}"
    for done in range(15):
        now = alice.json_of("GET", path)
        body, headers = {"custom": {"n": now["custom"]["n"] + 1}}, {"If-Match": str(now["version"])}
        answers = at_once(home.url, [Call("PATCH", path, body, headers)] * 16, alice.token)
        assert statuses(answers) == {200: 1, 412: 15}
        assert {a.json()["current"]["custom"]["n"] for a in answers if a.status_code == 412} == {done + 1}
    assert alice.json_of("GET", path)["custom"]["n"] == 15
    assert alice.json_of("GET", path)["version"] == 16


def test_a_delete_that_is_confirmed_twenty_times_at_once_happens_once(home: House, alice: Person) -> None:
    for _ in range(5):
        path = f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'Jane'})['id']}"
        confirm = alice.json_of("DELETE", path)["confirm"]
        answers = at_once(home.url, [Call("DELETE", f"{path}?confirm={confirm}")] * 20, alice.token)
        assert statuses(answers) == {200: 1, 404: 19}
    assert alice.json_of("GET", "/audit?action=contact.delete")["total"] == 5
    assert alice.json_of("GET", "/whoami")["usage"]["contacts"]["used"] == 0
