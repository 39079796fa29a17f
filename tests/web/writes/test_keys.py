"""A write under an Idempotency-Key is done once, and answered alike each time (each route: see test_every_write)."""

import asyncio
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkit.core import call as system_call
from crmkit.core.pruning.sweep import sweep
from crmkit.mail import MailFailed, Message
from tests.core.crowd import Call, at_once
from tests.house import UNLIMITED, House, Person, process
from tests.teams.office import JSON, Books, error_of, new, stepped, team, working_in
from tests.teams.rights.matrix import CANARY

JANE = {"name": "Jane"}


def keyed(key: str = "", **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid.uuid4()), **more}


def replayed(answer: httpx.Response, first: httpx.Response) -> bool:
    """Tell whether an answer is the first one again."""
    same = ("Content-Type", "X-Operation", "ETag")
    assert (answer.status_code, answer.content) == (first.status_code, first.content)
    assert [answer.headers.get(name) for name in same] == [first.headers.get(name) for name in same]
    return answer.headers.get("Idempotent-Replayed") == "true"


def test_a_create_is_done_once_and_answered_in_its_first_form(alice: Person) -> None:
    key = keyed()
    first = alice.post("/contacts", json=JANE, headers=key)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    id = first.text.split("  ")[0].removeprefix("contact/")
    assert alice.patch(f"/contacts/{id}", json={"name": "Janet"}).status_code == 200
    for more in ({}, JSON, {"Accept": "*/*"}):
        assert replayed(alice.post("/contacts", json=JANE, headers={**key, **more}), first)
    assert alice.json_of("GET", "/contacts")["total"] == 1
    assert alice.json_of("GET", f"/contacts/{id}")["version"] == 2


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/contacts", {"name": "Joan"}),
        ("POST", "/contacts?format=json", {"name": "Once"}),
        ("POST", "/companies", {"name": "Once"}),
        ("POST", "/contacts", b'{"name": "Once" }'),
        ("POST", "/contacts", {"nom": "Once"}),
        ("DELETE", "/contacts/nobody@example.com", None),
    ],
)
def test_another_request_under_a_key_is_refused(alice: Person, method: str, path: str, body: Any) -> None:
    key = keyed()
    assert alice.post("/contacts", content=b'{"name":"Once"}', headers=key).status_code == 201
    answer = alice.send_it(method, path, body, headers={**key, **JSON})
    assert error_of(answer) == (422, "idempotency_mismatch")
    assert alice.post("/contacts", content=b'{"name":"Once"}', headers=key).headers["Idempotent-Replayed"] == "true"


def test_an_error_is_not_kept(alice: Person) -> None:
    key, path = keyed(), f"/contacts/{new(alice, '/contacts', name='Going')}"
    assert alice.post("/contacts", json={"nom": "Jane"}, headers=key).status_code == 400
    asked = alice.delete(path, headers={**key, **JSON})
    assert error_of(asked) == (409, "confirmation_required")
    confirmed = f"{path}?confirm={asked.json()['confirm']}"
    first = alice.delete(confirmed, headers=key)
    assert first.status_code == 200
    assert replayed(alice.delete(confirmed, headers=key), first)
    assert error_of(alice.delete(path)) == (404, "not_found")


@pytest.mark.parametrize("key", ["", "x" * 256, "grün", "a\tb"])
def test_a_key_that_cannot_be_one_is_refused_and_nothing_is_written(alice: Person, key: str) -> None:
    answer = alice.post("/contacts", json={"name": "Keyless"}, headers={"Idempotency-Key": key.encode(), **JSON})
    assert error_of(answer) == (400, "invalid_value")
    assert list(answer.json()["fields"]) == ["Idempotency-Key"]
    assert alice.json_of("GET", "/contacts?name=Keyless")["items"] == []


def test_a_key_counts_for_one_token_alone(home: House, alice: Person) -> None:
    key, twin = keyed(), working_in(alice, alice.json_of("GET", "/whoami")["workspace"])
    answers = [person.post("/contacts", json={"name": "Two"}, headers=key) for person in (alice, twin)]
    assert len({answer.text for answer in answers}) == 2


def test_without_a_token_a_key_is_ignored(home: House) -> None:
    with home.stranger() as someone:
        for _ in range(2):
            answer = someone.post("/auth/request", json={"email": "keyed@example.com"}, headers=keyed("same"))
            assert answer.status_code == 200
            assert "Idempotent-Replayed" not in answer.headers


def test_a_read_ignores_a_key(alice: Person) -> None:
    key = keyed()
    assert alice.get("/contacts", headers=key).status_code == 200
    assert alice.get("/companies", headers=key).status_code == 200


def test_an_answer_is_kept_for_a_day(home: House, alice: Person) -> None:
    key = keyed()
    first = alice.post("/contacts", json={"name": "Daily"}, headers=key)
    home.clock.move(hours=23, minutes=59)
    assert replayed(alice.post("/contacts", json={"name": "Daily"}, headers=key), first)
    home.clock.move(minutes=2)
    again = alice.post("/contacts", json={"name": "Daily"}, headers=key)
    assert again.status_code == 201
    assert again.text != first.text


def test_a_request_that_no_longer_fits_is_answered_as_it_was(home: House) -> None:
    us = team(home)
    key = keyed()
    deal = us.alice.post("/deals", json={"title": "Big", "stage": "odd"}, headers=key)
    assert deal.status_code == 201
    put = us.alice.send_it("PUT", "/pipelines/deals", {"stages": [{"name": "new"}], "strict": True})
    assert put.status_code == 200
    assert us.alice.post("/deals", json={"title": "Big", "stage": "odd"}).status_code == 400
    assert replayed(us.alice.post("/deals", json={"title": "Big", "stage": "odd"}, headers=key), deal)


def test_a_replay_needs_the_role_of_the_moment(home: House) -> None:
    us = team(home)
    dora = us.joins("dora", "admin")
    requests: list[tuple[str, str, Any]] = [
        ("PUT", "/pipelines/deals", {"stages": [{"name": "new"}]}),
        ("POST", "/fields", {"kind": "contact", "key": "size", "type": "text"}),
        ("PATCH", us.path, {"timezone": "Europe/Berlin"}),
        ("POST", f"{us.path}/invites", {"email": "later@example.com"}),
    ]
    keys = [keyed() for _ in requests]
    for key, request in zip(keys, requests, strict=True):
        first = dora.send_it(*request, headers=key)
        assert first.status_code in (200, 201), first.text
        assert replayed(dora.send_it(*request, headers=key), first)
    mine = keyed()
    contact = dora.post("/contacts", json=JANE, headers=mine)
    assert us.alice.post(f"{us.member(dora)}/role", json={"role": "member"}).status_code == 200
    for key, request in zip(keys, requests, strict=True):
        assert error_of(dora.send_it(*request, headers=key)) == (403, "admin_required")
    assert replayed(dora.post("/contacts", json=JANE, headers=mine), contact)


def test_a_token_that_was_narrowed_is_told_nothing_of_what_it_may_read_no_more(home: House) -> None:
    alice = team(home).alice
    key, own = keyed(), f"/tokens/{alice.json_of('GET', '/tokens')['items'][0]['id']}"
    assert alice.post("/contacts", json=JANE, headers=key).status_code == 201
    narrower = keyed()
    first = alice.patch(own, json={"scopes": ["contacts.write"]}, headers=narrower)
    assert first.status_code == 200, first.text
    again = alice.post("/contacts", json=JANE, headers={**key, **JSON})
    assert error_of(again) == (422, "idempotency_mismatch")
    assert "Jane" not in again.text
    assert replayed(alice.patch(own, json={"scopes": ["contacts.write"]}, headers=narrower), first)


def test_a_write_that_ends_ones_own_right_is_replayed_while_the_token_lives(home: House) -> None:
    us = team(home)
    spare = new(us.bob, "/workspaces", name="Spare")
    path, key = f"/workspaces/{spare}", keyed()
    assert error_of(us.bob.delete(path)) == (403, "escalation_required")
    path = f"{path}?code={home.letterbox.code_for(us.bob.email)}"
    first = us.bob.delete(path, headers=key)
    assert first.status_code == 200
    assert replayed(us.bob.delete(path, headers=key), first)


def test_a_secret_is_shown_once_and_kept_nowhere(home: House) -> None:
    us = team(home)
    for accept in ({}, JSON):
        key = keyed(**accept)
        first = us.alice.post(f"{us.path}/tokens", json={"token_name": "x"}, headers=key)
        again = us.alice.post(f"{us.path}/tokens", json={"token_name": "x"}, headers=key)
        assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
        assert "ck_" in first.text
        assert "ck_" not in again.text
        assert "shown once, in the first answer" in again.text
    assert again.json()["token"] is None
    assert len(us.alice.json_of("GET", "/tokens")["items"]) == 3
    with Books(home.folder) as books:
        assert not [row for row in books.rows("answers") if b"ck_" in row["body"]]


def test_a_mail_is_sent_once(home: House) -> None:
    us, key = team(home), keyed()
    before = len(home.letterbox.letters)
    first = us.alice.post(f"{us.path}/invites", json={"email": "mailed@example.com"}, headers=key)
    assert replayed(us.alice.post(f"{us.path}/invites", json={"email": "mailed@example.com"}, headers=key), first)
    assert len(home.letterbox.letters) == before + 1


def test_a_request_whose_mail_failed_is_done_again(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    us, key, body = team(home), keyed(), {"email": "unmailed@example.com"}

    async def fails(_: Message) -> None:
        raise MailFailed

    with monkeypatch.context() as patched:
        patched.setattr(home.letterbox, "send", fails)
        assert error_of(us.alice.post(f"{us.path}/invites", json=body, headers=key)) == (503, "mail_failed")
    first = us.alice.post(f"{us.path}/invites", json=body, headers=key)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    assert replayed(us.alice.post(f"{us.path}/invites", json=body, headers=key), first)


def test_a_request_that_is_sent_again_before_its_first_answer_is_in_progress(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    us, key, body = team(home), keyed(), {"email": "slowly@example.com"}
    is_sending, may_end = threading.Event(), threading.Event()

    async def waits(_: Message) -> None:
        is_sending.set()
        while not may_end.is_set():
            await asyncio.sleep(0.005)

    monkeypatch.setattr(home.letterbox, "send", waits)
    with ThreadPoolExecutor() as pool, Person(home.url, us.alice.token) as twin:
        sent = pool.submit(us.alice.post, f"{us.path}/invites", json=body, headers=key)
        assert is_sending.wait(20)
        again = twin.post(f"{us.path}/invites", json=body, headers={**key, **JSON})
        assert error_of(again) == (409, "in_progress")
        assert again.headers["Retry-After"]
        may_end.set()
        first = sent.result(20)
        assert first.status_code == 201
        assert replayed(twin.post(f"{us.path}/invites", json=body, headers=key), first)


def test_answers_go_with_their_token_and_their_workspace(home: House) -> None:
    us = team(home)
    word = f"{CANARY}answers"
    twin = working_in(us.bob, us.id)
    for person in (us.alice, us.bob, twin):
        assert person.post("/contacts", json={"name": word}, headers=keyed()).status_code == 201

    def left() -> int:
        with Books(home.folder) as books:
            return sum(word.encode() in row["body"] for row in books.rows("answers"))

    assert left() == 3
    session = next(item["id"] for item in twin.json_of("GET", "/tokens")["items"] if item["current"])
    assert us.bob.delete(f"/tokens/{session}").status_code == 200
    assert left() == 2
    assert us.alice.delete(us.member(us.bob)).status_code == 200
    assert left() == 1
    assert stepped(home, us.alice, "DELETE", us.path).status_code == 200
    assert left() == 0


def test_outdated_answers_are_swept(home: House, alice: Person) -> None:
    assert alice.post("/contacts", json={"name": "Swept"}, headers=keyed()).status_code == 201
    home.clock.move(hours=12)
    assert alice.post("/contacts", json={"name": "Fresh"}, headers=keyed()).status_code == 201
    home.clock.move(hours=12, minutes=1)

    def swept() -> list[bytes]:
        home.do(sweep(system_call.Call(home.crm)))
        with Books(home.folder) as books:
            bodies = [row["body"] for row in books.rows("answers")]
        return [body for body in bodies if b"Swept" in body or b"Fresh" in body]

    assert [b"Fresh" in body for body in swept()] == [True]
    home.clock.move(days=-3)  # it was ahead
    assert swept() == []
    home.clock.move(days=3)


def test_200_requests_at_once_with_one_key_write_once_and_get_the_same_answer(home: House) -> None:
    us, key = team(home), keyed()
    calls = [Call("POST", "/contacts", {"name": "Rush"}, key) for _ in range(200)]
    answers = at_once(home.url, calls, us.alice.token)
    assert {(answer.status_code, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert us.alice.json_of("GET", "/contacts?name=Rush")["total"] == 1


@pytest.mark.slow
def test_a_write_that_was_answered_is_replayed_after_a_kill(tmp_path: Path) -> None:
    folder, key = tmp_path / "data", keyed()
    with process(folder, **UNLIMITED) as running:
        with running.sign_in() as me:
            token = me.token
            first = me.post("/contacts", json=JANE, headers=key)
            assert first.status_code == 201
        running.kill()
    with process(folder, **UNLIMITED) as running, Person(running.url, token) as me:
        assert replayed(me.post("/contacts", json=JANE, headers=key), first)
        assert me.json_of("GET", "/contacts")["total"] == 1


def test_a_tool_sends_a_key(alice: Person) -> None:
    def called(**arguments: Any) -> str:
        sent = {"method": "POST", "path": "/contacts", "body": {"name": "Tool"}, **arguments}
        call = {"name": "request", "arguments": sent}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        result = alice.post("/mcp", json=message).json()["result"]
        text: str = result["content"][0]["text"]
        return text

    first = called(key="tool 1")
    assert first.startswith("contact/c_")
    assert called(key="tool 1") == first
    assert called(key="tool 2") != first
    assert called(key="tool 1", body={"name": "Other"}).startswith("ERROR idempotency_mismatch\n")
    assert "Idempotency-Key" not in called(key="").split("HINT")[1]
    assert called(key="").startswith("ERROR invalid_value\n")
    assert called(key=7).startswith("ERROR invalid_value\n")
