"""What must never be written down: tokens, codes, confirm tokens, bodies and query values."""

import re
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.house import ALICE, BOB, House, Person, process

Serve = Callable[..., Controller]
CANARY = "canary7"


class Postbox:
    def __init__(self) -> None:
        self.codes: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        body = str(message_from_bytes(envelope.original_content or b"").get_payload())
        self.codes += re.findall(r"\b\d{6}\b", body)
        return "250 2.0.0 taken"


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_secret_is_ever_written_by_the_server(tmp_path: Path, serve: Serve, form: str) -> None:
    """The real program, mailing for real; all that it printed and logged is searched at the end."""
    postbox, secrets = Postbox(), []
    url = f"smtp://127.0.0.1:{serve(postbox).port}"
    environ = {"CRMKIT_MAIL_SMTP_URL": url, "CRMKIT_SERVER_LOG": form}
    with process(tmp_path / "data", local=False, **environ) as served:
        for email in (ALICE, BOB):
            token = _signed_in(served.url, postbox, email)
            with Person(served.url, token) as person:
                secrets += [token, *_canaries(person)]
        requests = _odd_requests(served.url, secrets[0])
        assert served.stop() == 0
        written = served.printed()
    secrets += postbox.codes
    assert len(postbox.codes) == 2
    assert len(secrets) == len(set(secrets)) == 10
    assert len(re.findall('request[="]', written)) > 50 + requests  # it did log
    for secret in [*secrets, CANARY, "Bearer", ALICE, BOB]:
        assert secret.lower() not in written.lower()
    stored = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir())
    assert CANARY.encode() in stored  # so the search would find what is there
    assert [secret[:3] == "ck_" for secret in secrets] == [True, False, False, False] * 2 + [False] * 2
    for secret in secrets[:8]:
        assert secret.removeprefix("ck_").encode() not in stored


def _signed_in(url: str, postbox: Postbox, email: str) -> str:
    with Person(url) as someone:
        assert someone.post("/auth/request", json={"email": email}).status_code == 200
        for wrong in ("1 2 3", CANARY):
            someone.post("/auth/verify", json={"email": email, "code": wrong, "token_name": CANARY})
        entry = {"email": email, "code": postbox.codes[-1], "token_name": "Claude"}
        token: str = someone.post("/auth/verify?format=json", json=entry).json()["token"]
        assert someone.post("/auth/verify?format=json", json=entry).status_code == 401
        return token


def _canaries(person: Person) -> list[str]:
    """Put canaries wherever a client can put words, and return the confirm tokens that were shown."""
    body = {"name": CANARY, "email": f"{CANARY}@acme.com", "notes": CANARY, "custom": {CANARY: CANARY}}
    one = f"/contacts/{person.json_of('POST', '/contacts', body)['id']}"
    for odd in ({"name": CANARY * 40}, {CANARY: CANARY}, {"email": CANARY}, {"company_id": CANARY}, {"tags": CANARY}):
        assert person.post("/contacts", json=odd).status_code == 400
        assert person.patch(one, json=odd).status_code == 400
    for content in (f'{{"{CANARY}"', f'"{CANARY}"', f'{{"{CANARY}":1,"{CANARY}":2}}', CANARY * 200_000):
        assert person.post("/contacts", content=content).status_code in (400, 413)
    for name in ("search", "name", "sort", "cursor", "fields", "limit", "count", "format", "stage", CANARY):
        person.get("/contacts", params={name: CANARY})
        person.get(one, params={name: CANARY})
        person.get("/audit", params={name: CANARY, "by": CANARY})
        person.post("/contacts", params={name: CANARY}, json={"name": "X"})
    person.patch(one, json={"stage": CANARY}, headers={"If-Match": CANARY, "X-Odd": CANARY, "Cookie": CANARY})
    shown = [person.json_of("DELETE", one)["confirm"] for _ in range(2)]
    person.delete(one, params={"confirm": CANARY})
    last = person.json_of("DELETE", one)["confirm"]
    assert person.delete(one, params={"confirm": last}).status_code == 200
    assert person.get(f"{one}?confirm={last}").status_code == 400
    return [*shown, last]


def _odd_requests(url: str, token: str) -> int:
    """Send the token and canaries in wrong places; return how many requests that were."""
    asked = [
        ("GET", f"/contacts?token={token}", {}),
        ("GET", f"/contacts?access_token={token}", {}),
        ("GET", f"/nowhere?{CANARY}", {"Authorization": f"Bearer {token}"}),
        ("PUT", f"/contacts?{CANARY}={CANARY}", {"Authorization": f"Bearer {token}"}),
        ("GET", "/contacts", {"Authorization": f"Basic {token}"}),
        ("GET", "/contacts", {"Authorization": f"Bearer {token}{CANARY}"}),
        ("GET", "/contacts", {"Authorization": f"{CANARY} {token}"}),
        ("GET", "/contacts", {"X-Api-Key": token, "X-Request-Id": f"{CANARY} {token}"}),
        ("GET", "/help", {"User-Agent": CANARY, "Referer": CANARY, "Accept": CANARY}),
    ]
    with Person(url) as someone:
        for method, path, headers in asked:
            someone.request(method, path, headers=headers)
    return len(asked)


def test_a_token_in_the_url_opens_nothing(home: House, alice: Person) -> None:
    with home.stranger() as someone:
        for name in ("token", "access_token", "authorization", "api_key"):
            assert someone.get("/contacts", params={name: alice.token}).status_code == 401
        assert someone.get("/contacts", headers={"Cookie": f"token={alice.token}"}).status_code == 401
