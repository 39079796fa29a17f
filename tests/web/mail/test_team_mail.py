"""What a team is told by mail, through a real mail server: invites, and the codes of step-up."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.house import ALICE, BOB, CHARLIE, House, Person, house

Serve = Callable[..., Controller]


class Held:
    """A mail that waits at the mail server until it is decided whether it is taken."""

    def __init__(self) -> None:
        self.came, self.decided = threading.Event(), threading.Event()
        self.refused = False

    def decide(self, refused: bool) -> None:
        self.refused = refused
        self.decided.set()


class Post:
    """Keeps every mail by address."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, str]] = []
        self.refuses = False
        self.held: list[Held] = []  # what happens to the next mails, one after another

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.held:
            held = self.held.pop(0)
            held.came.set()
            assert await asyncio.to_thread(held.decided.wait, 10)
            if held.refused:
                return "451 4.3.0 not now"
        if self.refuses:
            return "451 4.3.0 not now"
        message = message_from_bytes(envelope.original_content or b"")
        payload = message.get_payload(decode=True)
        assert isinstance(payload, bytes)
        self.received.append((envelope.rcpt_tos[0], str(message["Subject"]), payload.decode()))
        return "250 2.0.0 taken"

    def code(self, email: str) -> str:
        to, _, body = self.received[-1]
        assert to == email
        found = re.search(r"^ +(\d{6})\r?$", body, re.MULTILINE)
        assert found, body
        return found.group(1)


def signed_in(home: House, post: Post, email: str) -> Person:
    with home.stranger() as someone:
        assert someone.post("/auth/request", json={"email": email}).status_code == 200
        entry = {"email": email, "code": post.code(email)}
        return Person(home.url, someone.json_of("POST", "/auth/verify", entry)["token"], email)


def test_invites_and_codes_of_step_up_arrive_by_real_mail(tmp_path: Path, serve: Serve) -> None:
    post = Post()
    controller = serve(post)
    environ = {
        "CRMKIT_MAIL_SMTP_URL": f"smtp://127.0.0.1:{controller.port}",
        "CRMKIT_MAIL_FROM": "crm@example.com",
        "CRMKIT_LIMITS_SIGNIN_PER_HOUR": "20",
    }
    with house(tmp_path / "data", environ) as home, signed_in(home, post, ALICE) as alice:
        place = f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}"

        assert alice.post(f"{place}/invites", json={"email": BOB}).status_code == 201
        to, subject, body = post.received[-1]
        assert (to, subject) == (BOB, "You are invited to a crmkit workspace")
        assert ALICE in body
        assert f"{home.url}/auth/request" in body

        with signed_in(home, post, BOB) as bob:
            members = alice.json_of("GET", f"{place}/members")["members"]
            user = next(member["user_id"] for member in members if member["email"] == BOB)
            promotion = f"{place}/members/{user}/role"
            assert alice.post(promotion, json={"role": "admin"}).status_code == 403
            assert f"make {BOB} an admin" in post.received[-1][2]
            code = post.code(ALICE)
            assert alice.post(f"{promotion}?code={code}", json={"role": "admin"}).status_code == 200

            assert bob.delete(place).status_code == 403
            assert "delete the workspace" in post.received[-1][2]
            assert bob.delete(f"{place}?code={post.code(BOB)}").status_code == 200
            assert alice.get("/whoami").status_code == 401


def test_a_new_invite_whose_mail_does_not_leave_is_withdrawn_and_one_that_waits_stays(
    tmp_path: Path, serve: Serve
) -> None:
    post = Post()
    environ = {
        "CRMKIT_MAIL_SMTP_URL": f"smtp://127.0.0.1:{serve(post).port}",
        "CRMKIT_MAIL_FROM": "crm@example.com",
    }
    with house(tmp_path / "data", environ) as home, signed_in(home, post, ALICE) as alice:
        place = f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}"
        assert alice.post(f"{place}/invites", json={"email": BOB}).status_code == 201
        post.refuses = True
        for email in (BOB, CHARLIE):
            assert alice.json_of("POST", f"{place}/invites", {"email": email})["error"] == "mail_failed"
        waiting = alice.json_of("GET", f"{place}/members")["invites"]
        assert [invite["email"] for invite in waiting] == [BOB]
        logged = alice.json_of("GET", "/audit")["items"][:2]
        assert [(entry["action"], entry["changes"]["email"]) for entry in logged] == [
            ("invite.delete", [CHARLIE, None]),
            ("invite.create", [None, CHARLIE]),
        ]


@dataclass
class Inviting:
    """Alice, who invites over a real mail server."""

    post: Post
    alice: Person
    pool: ThreadPoolExecutor
    place: str

    def invite(self, role: str = "member") -> int:
        """Return the status of an invite of Bob, sent again with its code where one is needed."""
        body, path = {"email": BOB, "role": role}, f"{self.place}/invites"
        answer = self.alice.post(path, json=body)
        if answer.status_code == 403:
            answer = self.alice.post(f"{path}?code={self.post.code(ALICE)}", json=body)
        return answer.status_code

    def begin(self) -> tuple[Held, Future[int]]:
        """Return the mail of an invite that has begun, and the status to come."""
        held = Held()
        self.post.held.append(held)
        answer = self.pool.submit(self.invite)
        assert held.came.wait(10)
        return held, answer

    def waiting(self) -> list[str]:
        """Return the roles in which Bob is invited."""
        return [invite["role"] for invite in self.alice.json_of("GET", f"{self.place}/members")["invites"]]


@pytest.fixture
def inviting(tmp_path: Path, serve: Serve) -> Iterator[Inviting]:
    post = Post()
    environ = {
        "CRMKIT_MAIL_SMTP_URL": f"smtp://127.0.0.1:{serve(post).port}",
        "CRMKIT_MAIL_FROM": "crm@example.com",
        "CRMKIT_LIMITS_SIGNIN_PER_HOUR": "20",
    }
    with house(tmp_path / "data", environ) as home, signed_in(home, post, ALICE) as alice, ThreadPoolExecutor() as pool:
        yield Inviting(post, alice, pool, f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}")


def test_an_invite_that_was_answered_stays_though_the_mail_of_an_earlier_one_fails(inviting: Inviting) -> None:
    first, answer = inviting.begin()
    assert inviting.invite() == 201
    first.decide(refused=True)
    assert answer.result() == 503
    assert inviting.waiting() == ["member"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_invite_of_which_every_mail_fails_is_withdrawn_whichever_fails_first(
    inviting: Inviting, order: tuple[int, int]
) -> None:
    begun = [inviting.begin(), inviting.begin()]
    for number in order:
        held, answer = begun[number]
        assert inviting.waiting() == ["member"]
        held.decide(refused=True)
        assert answer.result() == 503
    assert inviting.waiting() == []


def test_an_invite_that_was_raised_to_admin_has_its_role_back_when_the_mail_fails(inviting: Inviting) -> None:
    assert inviting.invite() == 201
    asked = inviting.alice.post(f"{inviting.place}/invites", json={"email": BOB, "role": "admin"})
    assert asked.status_code == 403
    code, inviting.post.refuses = inviting.post.code(ALICE), True
    path = f"{inviting.place}/invites?code={code}"
    assert inviting.alice.post(path, json={"email": BOB, "role": "admin"}).status_code == 503
    assert inviting.waiting() == ["member"]
    logged = inviting.alice.json_of("GET", "/audit?action=invite.update")["items"]
    assert [entry["changes"]["role"] for entry in logged] == [["admin", "member"], ["member", "admin"]]
    inviting.post.refuses = False
    assert inviting.invite("admin") == 201
    inviting.post.refuses = True
    assert inviting.invite("member") == 503
    assert inviting.waiting() == ["member"]  # to take power back needs no mail


def test_an_invite_that_was_raised_to_admin_stays_so_though_an_earlier_mail_fails(inviting: Inviting) -> None:
    held, answer = inviting.begin()
    assert inviting.invite("admin") == 201
    held.decide(refused=True)
    assert answer.result() == 503
    assert inviting.waiting() == ["admin"]
