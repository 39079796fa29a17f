"""What may be done once is done once, however many ask for it in one moment: keys, codes, tokens of a second step."""

import pytest

from tests.core.crowd import Call, statuses
from tests.house import Person
from tests.storms.place import Place, bearer
from tests.web.connecting import places


def test_two_hundred_requests_with_one_key_write_once_and_get_one_answer(town: Place, alice: Person) -> None:
    calls = [Call("POST", "/contacts", {"name": "Rush"}, {"Idempotency-Key": "rush"})] * 200
    answers = town.storm(calls, alice)
    assert {(answer.status_code, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert sum(not answer.is_replay for answer in answers) == 1
    assert alice.json_of("GET", "/contacts?name=Rush")["total"] == 1
    assert alice.json_of("GET", "/audit?action=contact.create")["total"] == 1


def test_of_two_requests_under_one_key_the_first_is_written_and_the_other_refused(town: Place, alice: Person) -> None:
    for number in range(5):
        key = {"Idempotency-Key": f"key {number}"}
        calls = [Call("POST", "/contacts", {"name": f"{name} {number}"}, key) for name in ("A", "B") * 10]
        assert statuses(town.storm(calls, alice)) == {201: 10, 422: 10}
    assert alice.json_of("GET", "/contacts")["total"] == 5


def test_a_delete_that_is_confirmed_twenty_times_at_once_happens_once(town: Place, alice: Person) -> None:
    for _ in range(5):
        path = f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'Jane'})['id']}"
        confirm = alice.json_of("DELETE", path)["confirm"]
        answers = town.storm([Call("DELETE", f"{path}?confirm={confirm}")] * 20, alice)
        assert statuses(answers) == {200: 1, 404: 19}
    assert alice.json_of("GET", "/audit?action=contact.delete")["total"] == 5
    assert alice.json_of("GET", "/whoami")["usage"]["contacts"]["used"] == 0


def asked_for(town: Place, email: str) -> str:
    """Return the code that is mailed to an address."""
    (answer,) = town.storm([Call("POST", "/auth/request", {"email": email})])
    code: str = answer.json()["local_code"]
    return code


def entries(email: str, code: str, times: int) -> list[Call]:
    return [Call("POST", "/auth/verify", {"email": email, "code": code, "token_name": f"{n}"}) for n in range(times)]


def test_one_sign_in_code_makes_one_token_and_one_account(town: Place) -> None:
    for number in range(3):
        email = f"once{number}.{len(town.urls)}@example.com"
        answers = town.storm(entries(email, asked_for(town, email), 40))
        assert statuses(answers) == {200: 1, 401: 39}
        assert town.rows("SELECT count(*) FROM users WHERE email = ?", email) == [(1,)]
        sql = "SELECT count(*) FROM tokens WHERE user_id = (SELECT id FROM users WHERE email = ?)"
        assert town.rows(sql, email) == [(1,)]
        assert town.rows("SELECT count(*) FROM workspaces WHERE created_by = ?", email) == [(1,)]


@pytest.mark.parametrize(("wrong", "status"), [(4, 200), (5, 401)])
def test_wrong_tries_at_all_servers_are_counted_together(town: Place, wrong: int, status: int) -> None:
    email = f"wrong{wrong}.{len(town.urls)}@example.com"
    code = asked_for(town, email)
    other = "111111" if code != "111111" else "222222"
    assert statuses(town.storm(entries(email, other, wrong))) == {401: wrong}
    assert town.rows("SELECT wrong_tries FROM codes WHERE email = ?", email) == [(wrong,)]
    assert statuses(town.storm(entries(email, code, 1))) == {status: 1}


def test_a_code_is_no_good_after_more_wrong_tries_than_it_has_at_once(town: Place) -> None:
    email = f"many.{len(town.urls)}@example.com"
    code = asked_for(town, email)
    other = "111111" if code != "111111" else "222222"
    answers = town.storm(entries(email, other, 30) + entries(email, code, 1))
    assert set(statuses(answers)) <= {200, 401, 429}
    if answers[-1].status_code != 200:
        assert statuses(town.storm(entries(email, code, 1)))[200] == 0


def test_a_code_of_step_up_works_once(town: Place, alice: Person) -> None:
    path = f"/workspaces/{town.workspace(alice)}/invites"
    body = {"email": f"dave.{len(town.urls)}@example.com", "role": "admin"}
    code = alice.json_of("POST", path, body)["local_code"]
    assert statuses(town.storm([Call("POST", f"{path}?code={code}", body)] * 20, alice)) == {201: 1, 403: 19}
    assert alice.json_of("GET", "/audit?action=invite.create")["total"] == 1


def test_an_invite_that_is_accepted_twenty_times_at_once_makes_one_member(town: Place, alice: Person) -> None:
    bob = town.newcomer("bob")
    path = f"/workspaces/{town.workspace(alice)}"
    assert alice.post(f"{path}/invites", json={"email": bob.email}).status_code == 201
    assert set(statuses(town.storm([Call("POST", f"{path}/join")] * 20, bob))) == {200}
    members = alice.json_of("GET", f"{path}/members")
    assert sorted(each["email"] for each in members["members"]) == sorted([alice.email, bob.email])
    assert members["invites"] == []
    assert alice.json_of("GET", "/audit?action=member.create")["total"] == 1


def test_who_joins_while_the_invite_is_withdrawn_is_a_member_or_is_not(town: Place, alice: Person) -> None:
    path = f"/workspaces/{town.workspace(alice)}"
    for _ in range(5):
        bob = town.newcomer("bob")
        invite = alice.json_of("POST", f"{path}/invites", {"email": bob.email})["id"]
        calls = [Call("POST", f"{path}/join", None, bearer(bob))] * 3
        calls.insert(2, Call("DELETE", f"{path}/invites/{invite}", None, bearer(alice)))
        answers = town.storm(calls)
        withdrawn, joined = answers.pop(2).status_code, statuses(answers)
        found = alice.json_of("GET", f"{path}/members")
        is_member = bob.email in {each["email"] for each in found["members"]}
        assert (withdrawn, is_member, set(joined)) in ((200, False, {403}), (404, True, {200})), (withdrawn, joined)
        assert found["invites"] == []


def test_people_who_join_at_once_do_not_pass_the_cap_of_members(town: Place, alice: Person) -> None:
    path = f"/workspaces/{town.workspace(alice)}"
    guests = [town.newcomer("guest") for _ in range(6)]
    for guest in guests:
        assert alice.post(f"{path}/invites", json={"email": guest.email}).status_code == 201
    town.caps(alice)
    town.storm([Call("POST", f"{path}/join", None, bearer(guest)) for guest in guests])
    told = alice.json_of("GET", f"{path}/members")
    assert len(told["members"]) + len(told["invites"]) == 7
    used = alice.json_of("GET", "/whoami")["usage"]["members"]
    assert used["used"] == len(told["members"])


def test_one_code_of_an_app_makes_one_token_which_ends_when_it_is_used_again(town: Place) -> None:
    email = f"oauth{len(town.urls)}@example.com"
    app = town.app()
    redemption = app.redemption(app.allowed(email)["code"])
    calls = [Call("POST", "/token", form=redemption) for _ in range(40)]
    answers = town.storm(calls)
    assert statuses(answers) == {200: 1, 400: 39}
    (token,) = (answer.json()["access_token"] for answer in answers if answer.status_code == 200)
    assert {person.get("/whoami").status_code for person in town.everywhere(Person(town.url, token))} == {401}
    alice = town.enter(email)
    log = [entry["action"] for entry in alice.json_of("GET", "/audit?limit=200")["items"]]
    assert (log.count("token.create"), log.count("token.revoke")) == (2, 1)  # one of them is Alice's own


def test_one_page_that_is_sent_many_times_at_once_allows_an_app_once(town: Place) -> None:
    app = town.app()
    signin, page = app.enter(f"page{len(town.urls)}@example.com")
    sent = {"signin": signin, "workspace": places(page)[0], "access": "full"}
    path = f"/authorize?{app.browser.build_request('GET', '/', params=app.query()).url.query.decode()}"
    answers = town.storm([Call("POST", path, form=sent) for _ in range(20)])
    assert statuses(answers)[303] == 1, statuses(answers)


def test_twenty_approvals_of_one_proposal_write_once(town: Place, alice: Person) -> None:
    path = f"/workspaces/{town.workspace(alice)}/tokens"
    bot = town.holder(alice.json_of("POST", path, {"token_name": "bot", "access": "propose"})["token"])
    waits = bot.json_of("POST", "/contacts", {"name": "Raced"})["id"]
    calls = [Call("POST", f"/proposals/{waits}/approve")] * 20
    calls.insert(10, Call("POST", f"/proposals/{waits}/reject"))
    answers = town.storm(calls, alice)
    rejected = answers.pop(10).status_code
    assert (statuses(answers)[201], rejected) in ((1, 409), (0, 200))
    assert alice.json_of("GET", "/contacts?name=Raced")["total"] == statuses(answers)[201]


def test_a_repeated_task_that_many_finish_opens_one_next(town: Place, alice: Person) -> None:
    body = {"title": "Report", "due_at": "2026-06-10T09:00:00Z", "repeat": "daily"}
    task = alice.json_of("POST", "/tasks", body)["id"]
    calls = [Call("PATCH", f"/tasks/{task}", {"done": True, "notes": f"{n}"}) for n in range(20)]
    answers = town.storm(calls, alice)
    assert statuses(answers) == {200: 20}
    assert sum("remarks" in answer.json() for answer in answers) == 1
    assert alice.json_of("GET", f"/tasks?follows={task}")["total"] == 1
    assert alice.json_of("GET", "/tasks")["total"] == 2


def test_a_contact_that_many_move_to_a_won_stage_opens_one_conversion(town: Place, alice: Person) -> None:
    body = {"name": "Jane", "email": "race@convert.com", "stage": "lead", "ad_platform": "meta"}
    jane = alice.json_of("POST", "/contacts", body)["id"]
    calls = [Call("PATCH", f"/contacts/{jane}", {"stage": stage}) for stage in ["won", "lead"] * 8]
    calls += [Call("POST", "/contacts", {"email": "race@convert.com", "stage": "won"}) for _ in range(8)]
    assert statuses(town.storm(calls, alice)) == {200: 24}
    assert alice.json_of("GET", f"/conversions?contact_id={jane}")["total"] == 1


def test_an_account_that_ends_while_its_code_is_entered_is_gone_or_new(town: Place) -> None:
    bob = town.newcomer("bob")
    code = bob.json_of("DELETE", "/me")["local_code"]
    again = asked_for(town, bob.email)
    calls = [Call("DELETE", f"/me?code={code}", None, bearer(bob))] * 3 + entries(bob.email, again, 3)
    answers = town.storm(calls)
    assert statuses(answers[:3])[200] == 1
    assert town.rows("SELECT count(*) FROM users WHERE email = ?", bob.email)[0][0] <= 1
    assert bob.get("/whoami").status_code == 401


def test_a_name_of_a_view_is_taken_once(town: Place, alice: Person) -> None:
    calls = [Call("POST", "/views", {"name": "hot", "path": f"/contacts?limit={n + 1}"}) for n in range(20)]
    assert statuses(town.storm(calls, alice)) == {201: 1, 409: 19}
    fields = [Call("POST", "/fields", {"kind": "contact", "key": "size", "type": "number"})] * 20
    assert statuses(town.storm(fields, alice))[201] == 1
