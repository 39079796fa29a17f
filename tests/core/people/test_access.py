"""Tokens: how long they live, and that the moment they end is the moment they stop working."""

from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.people import sessions
from crmkit.core.people.tokens import verbs
from crmkit.core.records import write
from crmkit.errors import Problem
from tests.house import ALICE, CHARLIE, UNLIMITED, GivenClock, House, Person, house
from tests.kinds import CONTACT
from tests.storage.desk import Confirming, Desk, queued
from tests.web.connecting import App, rpc


def test_a_token_in_use_lives_on_and_an_idle_one_expires_after_thirty_days(home: House) -> None:
    with home.sign_in(ALICE) as alice:
        for _ in range(5):
            home.clock.move(days=29, hours=23)
            assert alice.get("/whoami").status_code == 200  # each use gives thirty days more
            home.rested()
        home.clock.move(days=30, seconds=1)
        answer = alice.json_of("GET", "/whoami")
        assert answer["error"] == "token_expired"
        assert "POST /auth/request" in answer["hint"]
        assert alice.post("/contacts", json={"name": "Jane"}).status_code == 401
        home.clock.move(days=-1)
        assert alice.get("/whoami").status_code == 200  # what is expired is told by the clock alone
    with home.sign_in(ALICE) as again:
        assert again.json_of("GET", "/contacts")["total"] == 0


def test_the_days_of_a_token_can_be_set(tmp_path: Path) -> None:
    with house(tmp_path / "other", {"CRMKIT_AUTH_TOKEN_IDLE_DAYS": "1"}) as home, home.sign_in(ALICE) as alice:
        home.clock.move(hours=23)
        assert alice.get("/whoami").status_code == 200
        home.rested()
        home.clock.move(hours=25)
        assert alice.json_of("GET", "/whoami")["error"] == "token_expired"


def test_an_expired_token_is_not_listed_and_stays_expired_after_a_restart(tmp_path: Path) -> None:
    clock = GivenClock()
    with house(tmp_path / "data", clock=clock) as home, home.sign_in(ALICE, "old") as old:
        token = old.token
        clock.move(days=31)
    with house(tmp_path / "data", clock=clock) as home, home.sign_in(ALICE, "new") as new:
        old_header = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        assert httpx.get(f"{home.url}/whoami", headers=old_header).json()["error"] == "token_expired"
        assert [item["name"] for item in new.json_of("GET", "/tokens")["items"]] == ["new"]


def test_a_revoked_token_works_no_more(home: House) -> None:
    with home.sign_in(ALICE, "one") as one, home.sign_in(ALICE, "two") as two:
        ids = {item["name"]: item["id"] for item in one.json_of("GET", "/tokens")["items"]}
        assert two.get("/whoami").status_code == 200
        assert one.delete(f"/tokens/{ids['two']}").text == f"OK revoked token/{ids['two']}\n"
        assert two.json_of("GET", "/whoami")["error"] == "invalid_token"
        assert one.delete(f"/tokens/{ids['two']}").status_code == 404
        assert one.delete(f"/tokens/token/{ids['one']}").status_code == 200  # its own
        assert one.json_of("GET", "/whoami")["error"] == "invalid_token"


def test_a_token_cannot_be_revoked_by_somebody_else(home: House) -> None:
    with home.sign_in("dave@example.com") as alice, home.sign_in(CHARLIE) as charlie:
        (token,) = alice.json_of("GET", "/tokens")["items"]
        assert charlie.delete(f"/tokens/{token['id']}").status_code == 404
        assert alice.get("/whoami").status_code == 200


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (None, "auth_required"),
        ("", "auth_required"),
        ("Bearer", "auth_required"),
        ("Bearer ck_nonsense", "invalid_token"),
        ("Bearer {token}x", "invalid_token"),
        ("Bearer x{token}", "invalid_token"),
        ("Bearer {token} {token}", "invalid_token"),
        ("Basic {token}", "invalid_token"),
        ("{token}", "invalid_token"),
        ("X-API-Key {token}", "invalid_token"),
        ("bearer {token}", None),
        ("BEARER   {token}", None),
    ],
)
def test_a_token_is_taken_only_behind_the_word_bearer(
    home: House, alice: Person, header: str | None, error: str | None
) -> None:
    with home.stranger() as someone:
        headers = {} if header is None else {"Authorization": header.format(token=alice.token)}
        answer = someone.json_of("GET", "/whoami", headers=headers)
        assert answer.get("error") == error, answer
        if error == "invalid_token" and not header.lower().startswith("bearer"):
            assert answer["hint"].startswith("Send Authorization: Bearer TOKEN: the word Bearer is missing. ")


def test_x_api_key_is_the_same_as_the_header_authorization(home: House, alice: Person) -> None:
    key, bearer = {"X-API-Key": alice.token}, {"Authorization": f"Bearer {alice.token}"}
    listing = rpc("tools/call", {"name": "request", "arguments": {"method": "GET", "path": "/whoami"}})
    with home.stranger() as someone:
        for headers in (key, key | bearer):
            assert someone.json_of("GET", "/whoami", headers=headers)["email"] == alice.email
            assert someone.get("/help?topic=setup", headers=headers).status_code == 200
            told = someone.post("/mcp", json=listing, headers=headers).json()["result"]["content"][0]["text"]
            assert f"email: {alice.email}\n" in told
        assert someone.json_of("GET", "/whoami", headers={"X-API-Key": "ck_nonsense"})["error"] == "invalid_token"
        assert someone.json_of("GET", "/whoami", headers={"X-API-Key": ""})["error"] == "auth_required"


def test_two_tokens_in_two_headers_are_refused(home: House, alice: Person) -> None:
    other = "Bearer ck_other"
    with home.stranger() as someone:
        for authorization in (other, f"{other} {alice.token}", "Basic YWxpY2U6", "Bearer", alice.token):
            headers = {"X-API-Key": alice.token, "Authorization": authorization}
            for path in ("/whoami", "/help", "/mcp"):
                answer = someone.json_of("POST" if path == "/mcp" else "GET", path, headers=headers)
                assert answer["error"] == "invalid_value"
                assert list(answer["fields"]) == ["X-API-Key"]


def outcome(back: Desk, calls: list[Any]) -> list[Any]:
    return back.do(queued(back.database, calls))


@pytest.mark.sqlite
def test_a_request_that_waits_is_refused_once_its_token_was_revoked(back: Desk) -> None:
    owner, agent = back.person(), back.person()
    jane = back.save(owner, name="Jane", email="jane@acme.com")
    confirm = confirm_of(back, agent, jane)
    waiting = {
        "save": partial(write.save, Call(back.crm, agent), CONTACT, {"name": "Bob"}),
        "merge": partial(write.save, Call(back.crm, agent), CONTACT, {"email": "jane@acme.com", "stage": "lost"}),
        "change": partial(write.change, Call(back.crm, agent), CONTACT, jane.id, {"stage": "lost"}),
        "ask to remove": partial(write.remove, Call(back.crm, agent), CONTACT, jane.id),
        "remove": partial(write.remove, Confirming(back.crm, agent, confirm), CONTACT, jane.id),
        "revoke": partial(sessions.revoke, Call(back.crm, agent), owner.token_id),
    }
    before = back.find(owner).records
    log = audited(back, owner)
    revoked, *others = outcome(
        back, [partial(sessions.revoke, Call(back.crm, owner), agent.token_id), *waiting.values()]
    )
    assert revoked.id == agent.token_id
    assert {name: problem.code for name, problem in zip(waiting, others, strict=True)} == dict.fromkeys(
        waiting, "invalid_token"
    )
    assert back.find(owner).records == before
    assert audited(back, owner) == log + 1  # the revocation


def test_a_request_that_came_before_the_revocation_is_done(back: Desk) -> None:
    owner, agent = back.person(), back.person()
    jane = back.save(owner, name="Jane")
    done, revoked = outcome(
        back,
        [
            partial(write.change, Call(back.crm, agent), CONTACT, jane.id, {"stage": "won"}),
            partial(sessions.revoke, Call(back.crm, owner), agent.token_id),
        ],
    )
    assert (done.record.stage, revoked.id) == ("won", agent.token_id)


def test_of_two_tokens_that_revoke_each_other_in_one_moment_the_first_wins(back: Desk) -> None:
    one, two = back.person(), back.person()
    first, second = outcome(
        back,
        [
            partial(sessions.revoke, Call(back.crm, one), two.token_id),
            partial(sessions.revoke, Call(back.crm, two), one.token_id),
        ],
    )
    assert first.id == two.token_id
    assert isinstance(second, Problem)
    assert second.code == "invalid_token"


class Needing(Call):
    """A call of a route that needs a scope."""

    needs = ("contacts.write",)


@pytest.mark.sqlite
def test_a_request_that_waits_is_refused_once_its_token_was_narrowed(back: Desk) -> None:
    owner, agent = back.person(), back.person()
    jane = back.save(owner, name="Jane")
    narrowed, refused, done = outcome(
        back,
        [
            partial(verbs.narrow, Call(back.crm, owner), agent.token_id, {"access": "read"}),
            partial(write.change, Needing(back.crm, agent), CONTACT, jane.id, {"stage": "won"}),
            partial(write.change, Needing(back.crm, owner), CONTACT, jane.id, {"stage": "lead"}),
        ],
    )
    assert (narrowed.access.words, done.record.stage, done.record.version) == ("read", "lead", 2)
    assert isinstance(refused, Problem)
    assert (refused.code, refused.facts) == ("scope_required", {"scope": "contacts.write"})


class Remote(Call):
    """A call from another machine."""

    address = "203.0.113.9"


@pytest.mark.parametrize(
    ("narrower", "code"),
    [
        ({"ips": ["203.0.113.9"]}, None),
        ({"ips": ["198.51.100.0/24"]}, "invalid_token"),
        ({"expires_at": "+1d"}, None),
        ({"expires_at": "+1h"}, "token_expired"),
    ],
    ids=str,
)
def test_a_request_that_waits_is_asked_again_where_it_came_from_and_when(
    back: Desk, narrower: dict[str, Any], code: str | None
) -> None:
    owner, agent = back.person(), back.person()
    back.do(verbs.narrow(Call(back.crm, owner), agent.token_id, narrower))
    back.clock.move(hours=2)
    (done,) = outcome(back, [partial(write.save, Remote(back.crm, agent), CONTACT, {"name": "Jane"})])
    assert (done.code if isinstance(done, Problem) else None) == code
    assert [each.name for each in back.find(owner).records] == ([] if code else ["Jane"])


@pytest.mark.sqlite
def test_a_membership_that_ended_no_longer_counts_for_a_request_that_waits(back: Desk) -> None:
    owner, agent = back.person(), back.person()
    jane = back.save(owner, name="Jane")

    async def end_membership() -> None:
        sql = "DELETE FROM memberships WHERE workspace_id = ? AND user_id = ?"
        ending = (agent.workspace_id, agent.user_id)
        await back.database.write(lambda tx: tx.connection.execute(sql, ending).rowcount)

    _, refused = outcome(
        back, [end_membership, partial(write.change, Call(back.crm, agent), CONTACT, jane.id, {"stage": "won"})]
    )
    assert isinstance(refused, Problem)
    assert refused.code == "invalid_token"


@pytest.mark.sqlite
def test_a_role_that_changed_while_a_request_waited_is_the_new_one(back: Desk) -> None:
    agent = back.person()

    async def demote() -> None:
        await back.database.write(lambda tx: tx.connection.execute("UPDATE memberships SET role = 'member'").rowcount)

    _, role = outcome(back, [demote, partial(Call(back.crm, agent).write, lambda tx: tx.by.role)])
    assert (agent.role, role) == ("admin", "member")


def test_a_write_of_an_app_is_refused_unless_the_verb_asks_for_a_code(back: Desk) -> None:
    agent = replace(back.person(), must_confirm=True)
    done: list[str] = []
    with pytest.raises(Problem) as raised:
        back.do(Call(back.crm, agent).write(lambda tx: done.append(tx.now)))
    assert (raised.value.code, done) == ("escalation_required", [])
    assert "a token of their own" in raised.value.hint


def test_a_person_has_at_most_so_many_tokens_and_is_told_to_end_some(tmp_path: Path) -> None:
    environ = {**UNLIMITED, "CRMKIT_LIMITS_TOKENS_PER_USER": "3"}
    with house(tmp_path / "data", environ) as home, home.sign_in(ALICE) as alice:
        path = f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}/tokens"
        assert [alice.post(path, json={}).status_code for _ in range(3)] == [201, 201, 403]
        refused = alice.json_of("POST", path, {})
        assert (refused["error"], refused["cap"], refused["used"]) == ("plan_limit_reached", 3, 3)
        assert "GET /tokens" in refused["hint"]
        assert "DELETE /tokens/{id}" in refused["hint"]
        spare = next(item["id"] for item in alice.json_of("GET", "/tokens")["items"] if not item["current"])
        assert alice.delete(f"/tokens/{spare}").status_code == 200
        assert alice.post(path, json={}).status_code == 201
        home.clock.move(days=31)
        with home.sign_in(ALICE) as again:
            assert again.post(path, json={}).status_code == 201  # those that have expired do not count


def test_signing_in_and_connecting_end_the_token_unused_longest_where_no_more_are_allowed(tmp_path: Path) -> None:
    with (
        house(tmp_path / "data", {**UNLIMITED, "CRMKIT_LIMITS_TOKENS_PER_USER": "2"}) as home,
        home.sign_in(ALICE, "first") as first,
        home.sign_in(ALICE, "second") as second,
    ):
        home.clock.move(minutes=11)
        assert first.get("/whoami").status_code == 200
        with home.sign_in(ALICE, "third") as third:
            assert second.json_of("GET", "/whoami")["error"] == "invalid_token"
            home.clock.move(minutes=11)
            assert third.get("/whoami").status_code == 200
            app = App(home).token(ALICE)
            assert first.json_of("GET", "/whoami")["error"] == "invalid_token"
            assert [item["name"] for item in third.json_of("GET", "/tokens")["items"]] == ["Claude", "third"]
            ended = third.json_of("GET", "/audit?action=token.revoke")["items"]
            assert [(entry["token_name"], entry["changes"]["name"]) for entry in ended] == [
                ("Claude", ["first", None]),
                ("third", ["second", None]),
            ]
            assert third.get("/whoami", headers={"Authorization": f"Bearer {app}"}).status_code == 200


def test_a_token_that_never_ends_makes_room_for_others_last(tmp_path: Path) -> None:
    environ = {**UNLIMITED, "CRMKIT_LIMITS_TOKENS_PER_USER": "3"}
    with house(tmp_path / "data", environ) as home, home.sign_in(ALICE, "first") as first:
        path = f"/workspaces/{first.json_of('GET', '/whoami')['workspace']}/tokens"
        body = {"token_name": "cron", "expires_at": "never"}
        assert first.post(path, json=body).status_code == 403
        assert first.post(f"{path}?code={home.letterbox.code_for(ALICE)}", json=body).status_code == 201
        for name in ("second", "third", "fourth"):
            home.clock.move(minutes=11)
            with home.sign_in(ALICE, name) as latest:
                listed = latest.json_of("GET", "/tokens")["items"]
        assert [one["name"] for one in listed] == ["fourth", "third", "cron"]


def confirm_of(back: Desk, actor: Any, contact: Any) -> str:
    with pytest.raises(Problem) as raised:
        back.do(write.remove(Call(back.crm, actor), CONTACT, contact.id))
    confirm: str = raised.value.facts["confirm"]
    return confirm


def audited(back: Desk, actor: Any) -> int:
    sql = "SELECT count(*) FROM audit WHERE workspace_id = ?"
    number: int = back.do(back.database.read(None, lambda c: c.execute(sql, (actor.workspace_id,)).fetchone()[0]))
    return number
