"""What a team is told by mail, through a real mail server: invites, and the codes of step-up."""

import re
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.house import ALICE, BOB, CHARLIE, House, Person, house

Serve = Callable[..., Controller]


class Post:
    """Keeps every mail by address."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, str]] = []
        self.refuses = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
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
