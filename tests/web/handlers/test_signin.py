"""Signing in by a mailed code, and what the token is good for afterwards."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.house import ALICE, CHARLIE, GivenClock, House, Person, house, record_in
from tests.web.refused import refused

NOTE = 'note: ask the user for it, then POST /auth/verify {"email":"…","code":"…","token_name":"who you are"}'


def ask(home: House, email: str = ALICE) -> str:
    """Have a code mailed and return it."""
    with home.stranger() as someone:
        answer = someone.post("/auth/request", json={"email": email})
        assert answer.status_code == 200, answer.text
    return home.letterbox.code_for(email)


def test_a_newcomer_signs_in_and_looks_at_themselves_in_text(home: House) -> None:
    with home.stranger() as someone:
        sent = someone.text("POST", "/auth/request", {"email": " Alice@Example.COM "})
        assert sent == f"OK code sent to {ALICE}\n# {NOTE}\n"
        (letter,) = home.letterbox.letters
        code = home.letterbox.code_for(ALICE)
        assert letter.subject == f"{code} is your crmkit code"
        assert "within 10 minutes" in letter.body
        assert home.url in letter.body
        entry = {"email": "ALICE@example.com", "code": f" {code} ", "token_name": "Claude"}
        done, token, workspace, note, end = someone.text("POST", "/auth/verify", entry).split("\n")
    assert done == "OK authenticated"
    assert token.startswith("token: ck_")
    assert workspace.startswith("workspace: ws_")
    assert "save this token" in note
    assert end == ""
    with Person(home.url, token.removeprefix("token: ")) as alice:
        card = alice.text("GET", "/whoami").splitlines()
        facts = alice.json_of("GET", "/whoami")
    assert card.pop() == f"# now: {facts.pop('now')} ({facts['timezone']})" == "# now: 2026-06-10T09:00:00Z (UTC)"
    labels = dict(line.split(": ", 1) for line in card)
    assert labels["workspace"] == workspace.removeprefix("workspace: ")
    assert labels | {"user": "", "workspace": ""} == {
        "email": ALICE,
        "user": "",
        "workspace": "",
        "workspace_name": ALICE,
        "role": "admin",
        "token_name": "Claude",
        "access": "full",
        "plan": "unlimited",
        "timezone": "UTC",
        "workspace_timezone": "UTC",
        "currency": "USD",
        "contacts": "0 / unlimited",
        "companies": "0 / unlimited",
        "deals": "0 / unlimited",
        "tasks": "0 / unlimited",
        "tickets": "0 / unlimited",
        "campaigns": "0 / unlimited",
        "conversions": "0 / unlimited",
        "members": "1 / unlimited",
        "workspaces": "1 / unlimited",
        "activities": "0 / unlimited",
        "fields": "0 / unlimited",
        "webhooks": "0 / unlimited",
        "audit_days": "unlimited",
    }
    usage = facts.pop("usage")
    assert {facts.pop(name) for name in ("country", "language", "date_format", "code_prefix")} == {None}
    assert [facts.pop(name) for name in ("scopes", "expires_at", "ips")] == [[], None, []]
    assert (facts.pop("audit_days"), labels.pop("audit_days")) == (None, "unlimited")
    assert facts == {name: labels[name] for name in facts}
    assert {name: f"{use['used']} / unlimited" for name, use in usage.items()} == {
        name: labels[name] for name in set(labels) - set(facts)
    }


def test_a_newcomer_signs_in_in_json(home: House) -> None:
    with home.stranger() as someone:
        sent = someone.json_of("POST", "/auth/request", {"email": ALICE})
        assert sent == {"ok": True, "message": f"code sent to {ALICE}", "email": ALICE}
        entry = {"email": ALICE, "code": home.letterbox.code_for(ALICE)}
        facts = someone.json_of("POST", "/auth/verify", entry)
    assert set(facts) == {"token", "token_name", "email", "workspace_id", "workspaces", "joined", "invites"}
    assert (facts["email"], facts["token_name"]) == (ALICE, "default")
    assert facts["workspaces"] == [{"id": facts["workspace_id"], "name": ALICE, "role": "admin"}]


@pytest.mark.slow
@pytest.mark.parametrize("signup", ["open", "invited"])
def test_a_known_and_an_unknown_address_are_answered_alike(tmp_path: Path, signup: str) -> None:
    """Byte by byte, but for the address itself and the id of the request."""
    folder, clock = tmp_path / "data", GivenClock()
    with house(folder, clock=clock) as before, before.sign_in(ALICE):
        clock.move(hours=2)
    unknown = "wally@example.com"
    with house(folder, {"CRMKIT_AUTH_SIGNUP": signup}, clock) as home, home.stranger() as someone:
        for accept in ("text/plain", "application/json"):
            answers = [
                _blotted(someone.post("/auth/request", json={"email": email}, headers={"Accept": accept}), email)
                for email in (ALICE, unknown)
            ]
            assert answers[0] == answers[1]
            wrong = [
                _blotted(someone.post("/auth/verify", json={"email": email, "code": "none"}), email)
                for email in (ALICE, unknown)
            ]
            assert wrong[0] == wrong[1]
        assert [letter.to for letter in home.letterbox.letters] == [ALICE, unknown] * 2
        last = home.letterbox.letters[-1]
        if signup == "invited":
            assert last.subject == "No crmkit account for this address"
        else:
            assert home.letterbox.code_for(unknown) in last.subject


def _blotted(answer: httpx.Response, email: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    request_id = answer.headers["X-Request-Id"].encode()
    fresh = (b"date", b"x-request-id", b"content-length")
    headers = [(name, content) for name, content in answer.headers.raw if name.lower() not in fresh]
    body = answer.content.replace(email.encode(), b"ADDRESS").replace(request_id, b"REQUEST")
    return answer.status_code, headers, body


def test_a_code_works_once_even_for_fifty_at_the_same_time(home: House) -> None:
    entry = {"email": ALICE, "code": ask(home)}

    def enter(_: int) -> int:
        with home.stranger() as someone:
            return someone.post("/auth/verify", json=entry).status_code

    with ThreadPoolExecutor(10) as pool:
        statuses = sorted(pool.map(enter, range(50)))
    assert statuses == [200] + [401] * 49


def test_a_code_ends_by_age_by_five_wrong_tries_and_by_a_newer_one(home: House) -> None:
    with home.stranger() as someone:

        def enter(code: str) -> int:
            return someone.post("/auth/verify", json={"email": ALICE, "code": code}).status_code

        old, new = ask(home), ask(home)
        assert (enter(old), enter(new)) == (200 if old == new else 401, 200)
        late = ask(home)
        home.clock.move(minutes=10)
        assert enter(late) == 401
        guessed = ask(home)
        wrong = "000000" if guessed != "000000" else "111111"
        assert [enter(wrong) for _ in range(5)] == [401] * 5
        assert enter(guessed) == 401
        refused(someone, "invalid_code", "POST", "/auth/verify", {"email": ALICE, "code": guessed}, does="new code")


@pytest.mark.slow
def test_ten_wrong_tries_end_the_day_for_the_address_but_not_for_its_tokens(tmp_path: Path) -> None:
    clock = GivenClock()
    with house(tmp_path / "data", clock=clock) as home, home.sign_in(ALICE) as alice:
        token = alice.token
        with home.stranger() as someone:
            for _ in range(2):
                code = ask(home)
                wrong = "000000" if code != "000000" else "111111"
                for _ in range(5):
                    someone.post("/auth/verify", json={"email": ALICE, "code": wrong})
            refused(someone, "rate_limited", "POST", "/auth/request", {"email": ALICE}, does="after midnight UTC")
            refused(someone, "rate_limited", "POST", "/auth/verify", {"email": ALICE, "code": code})
    with house(tmp_path / "data", clock=clock) as home:  # a restart forgets nothing
        with home.stranger() as someone:
            answer = someone.post("/auth/request", json={"email": ALICE})
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(15 * 3600))
        with Person(home.url, token) as alice:
            assert alice.get("/whoami").status_code == 200
        with home.sign_in(CHARLIE) as charlie:
            assert charlie.get("/whoami").status_code == 200
        clock.move(hours=15)
        with home.sign_in(ALICE) as alice:
            assert alice.get("/whoami").status_code == 200


def test_codes_for_one_address_are_limited_by_the_hour_and_say_what_is_left(home: House) -> None:
    with home.stranger() as someone:
        for left in (4, 3, 2, 1, 0):
            answer = someone.post("/auth/request", json={"email": ALICE})
            assert answer.status_code == 200
            assert answer.headers["X-RateLimit-Limit"] == "5"
            assert answer.headers["X-RateLimit-Remaining"] == str(left)
            home.clock.move(minutes=1)
        answer = someone.post("/auth/request", json={"email": ALICE.upper()})
        assert answer.status_code == 429
        told = {name: answer.headers[name] for name in ("X-RateLimit-Limit", "X-RateLimit-Remaining")}
        assert told == {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0"}
        assert answer.headers["Retry-After"] == answer.headers["X-RateLimit-Reset"] == str(55 * 60)
        assert len(home.letterbox.letters) == 5
        assert someone.post("/auth/request", json={"email": CHARLIE}).status_code == 200
        home.clock.move(seconds=int(answer.headers["Retry-After"]))
        assert someone.post("/auth/request", json={"email": ALICE}).status_code == 200


def test_local_mode_shows_the_code_in_text_and_in_json(tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_AUTH_LOCAL": "true"}) as home, home.stranger() as someone:
        text = someone.text("POST", "/auth/request", {"email": ALICE})
        code = home.letterbox.code_for(ALICE)
        assert text == f"OK code sent to {ALICE}\n# local mode: code={code}\n# {NOTE}\n"
        facts = someone.json_of("POST", "/auth/request", {"email": ALICE})
        assert facts["local_code"] == home.letterbox.code_for(ALICE)


def test_without_local_mode_no_answer_holds_the_code(home: House) -> None:
    with home.stranger() as someone:
        for accept in ("text/plain", "application/json"):
            answer = someone.post("/auth/request", json={"email": ALICE}, headers={"Accept": accept})
            assert home.letterbox.code_for(ALICE) not in answer.text + str(answer.headers)
            assert "local" not in answer.text


def test_tokens_are_listed_without_their_secret_and_end_at_once(home: House, alice: Person, charlie: Person) -> None:
    with home.sign_in(ALICE, "Claude on\nmy laptop") as other:
        mine = alice.json_of("GET", "/tokens")
        assert [(item["name"], item["current"]) for item in mine["items"]] in (
            [("Claude on\nmy laptop", False), ("test", True)],
            [("test", True), ("Claude on\nmy laptop", False)],
        )
        (id,) = (item["id"] for item in mine["items"] if not item["current"])
        text = alice.text("GET", "/tokens")
        assert f'token/{id}  name="Claude on\\nmy laptop"  workspace_id=ws_' in text
        assert text.endswith("# 2 tokens\n# total: 2\n")
        assert alice.token not in text
        assert other.token[3:] not in text + str(mine)
        refused(charlie, "not_found", "DELETE", f"/tokens/{id}", does="GET /tokens lists yours")
        assert other.get("/whoami").status_code == 200
        assert record_in(alice.json_of("DELETE", f"/tokens/{id}")) == {
            "ok": True,
            "message": f"revoked token/{id}",
            "id": id,
            "handle": f"token/{id}",
            "made": 0,
        }
        refused(other, "invalid_token", "GET", "/whoami")
    refused(alice, "not_found", "DELETE", f"/tokens/{id}")
    entry = alice.json_of("GET", "/audit?action=token.revoke")["items"][0]
    assert (entry["target"], entry["changes"]) == (f"token/{id}", {"name": ["Claude on\nmy laptop", None]})


def test_the_name_of_the_token_stands_in_the_audit_log_and_in_the_access_log(home: House) -> None:
    with home.sign_in(ALICE, "Claude") as claude:
        claude.post("/contacts", json={"name": "Jane"})
        (entry,) = claude.json_of("GET", "/audit?action=contact.create")["items"]
    assert (entry["by"], entry["token_name"]) == (ALICE, "Claude")
    posted = next(line for line in home.logged().splitlines() if "method=POST  path=/contacts" in line)
    assert posted.endswith("  token=Claude")
