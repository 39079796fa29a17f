"""The code on its way: real mail servers, kind and unkind, behind POST /auth/request."""

import re
import ssl
from collections.abc import Callable
from email import message_from_bytes
from functools import partial
from inspect import signature
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from crmkit import boot
from crmkit.mail import mailer
from tests.house import ALICE, Person, house, process
from tests.web.refused import refused

HOST = "127.0.0.1"
PASSWORD = "p@ss:w/ord"

Serve = Callable[..., Controller]
Certified = Callable[[str], ssl.SSLContext]


class Postbox:
    """Keeps what arrives, unless it is told to refuse."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.secure: list[bool] = []
        self.refuses = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuses:
            return "451 4.3.0 not now"
        self.envelopes.append(envelope)
        self.secure.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 2.0.0 taken"

    def code(self) -> str:
        """Return the code in the newest mail, which must be for Alice and from us."""
        envelope = self.envelopes[-1]
        assert envelope.rcpt_tos == [ALICE]
        message = message_from_bytes(envelope.original_content or b"")
        assert message["From"] == "crmkit <crm@example.com>"
        found = re.search(r"\b\d{6}\b", str(message.get_payload()))
        assert found
        return found.group()


def signs_in(url: str, postbox: Postbox) -> None:
    with Person(url) as someone:
        answer = someone.post("/auth/request", json={"email": ALICE})
        assert answer.text.startswith(f"OK code sent to {ALICE}\n"), answer.text
        assert postbox.code() not in answer.text
        entry = {"email": ALICE, "code": postbox.code()}
        token = someone.post("/auth/verify?format=json", json=entry).json()["token"]
    with Person(url, token) as alice:
        assert f"email: {ALICE}\n" in alice.text("GET", "/whoami")


def mail_through(url: str) -> dict[str, str]:
    return {"CRMKIT_MAIL_SMTP_URL": url, "CRMKIT_MAIL_FROM": "crmkit <crm@example.com>"}


def test_a_code_that_came_by_plain_smtp_signs_in(tmp_path: Path, serve: Serve) -> None:
    postbox = Postbox()
    with house(tmp_path / "data", mail_through(f"smtp://{HOST}:{serve(postbox).port}")) as home:
        signs_in(home.url, postbox)
    assert postbox.secure == [False]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_a_code_that_came_over_tls_signs_in(
    tmp_path: Path, serve: Serve, certified: Certified, authority: trustme.CA, scheme: str
) -> None:
    """The real program, which trusts what the system trusts: here the tests' authority."""
    postbox, tried, trusted = Postbox(), [], tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))

    def door(server: SMTP, session: Session, envelope: Envelope, how: str, data: LoginPassword) -> AuthResult:
        tried.append((data.login, data.password))
        return AuthResult(success=True)

    how = "ssl_context" if scheme == "smtps" else "tls_context"
    options = {how: certified("localhost"), "authenticator": door, "auth_require_tls": scheme != "smtps"}
    server = serve(postbox, **options)
    url = f"{scheme}://crm:p%40ss%3Aw%2Ford@localhost:{server.port}"
    with process(tmp_path / "data", local=False, SSL_CERT_FILE=str(trusted), **mail_through(url)) as served:
        signs_in(served.url, postbox)
        assert PASSWORD not in served.printed()
    assert postbox.secure == [True]
    assert tried == [(b"crm", PASSWORD.encode())]


@pytest.mark.slow
def test_a_mail_server_with_an_untrusted_certificate_gets_no_code(
    tmp_path: Path, serve: Serve, certified: Certified
) -> None:
    postbox = Postbox()
    url = f"smtp+starttls://localhost:{serve(postbox, tls_context=certified('localhost')).port}"
    with house(tmp_path / "data", mail_through(url)) as home, home.stranger() as someone:
        refused(someone, "mail_failed", "POST", "/auth/request", {"email": ALICE}, does="check .mail. smtp_url")
    assert postbox.envelopes == []


def test_a_try_whose_mail_was_refused_is_not_counted(tmp_path: Path, serve: Serve) -> None:
    postbox = Postbox()
    with house(tmp_path / "data", mail_through(f"smtp://{HOST}:{serve(postbox).port}")) as home:
        with home.stranger() as someone:
            assert someone.post("/auth/request", json={"email": ALICE}).headers["X-RateLimit-Remaining"] == "4"
            postbox.refuses = True
            for _ in range(3):
                refused(someone, "mail_failed", "POST", "/auth/request", {"email": ALICE}, does="Try again")
            postbox.refuses = False
            assert someone.post("/auth/request", json={"email": ALICE}).headers["X-RateLimit-Remaining"] == "3"
        signs_in(home.url, postbox)
    assert len(postbox.envelopes) == 3


def test_a_code_that_was_mailed_works_though_the_mail_of_the_next_did_not_leave(tmp_path: Path, serve: Serve) -> None:
    postbox = Postbox()
    environ = mail_through(f"smtp://{HOST}:{serve(postbox).port}")
    with house(tmp_path / "data", environ) as home, home.stranger() as someone:
        assert someone.post("/auth/request", json={"email": ALICE}).status_code == 200
        postbox.refuses = True
        assert someone.post("/auth/request", json={"email": ALICE}).status_code == 503
        entry = {"email": ALICE, "code": postbox.code()}
        assert someone.post("/auth/verify", json=entry).status_code == 200


@pytest.mark.slow
def test_a_mail_server_that_hangs_is_given_up_before_the_client_gives_up(
    tmp_path: Path, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert signature(mailer).parameters["timeout_seconds"].default <= 10  # common clients wait for 30
    monkeypatch.setattr(boot, "mailer", partial(mailer, timeout_seconds=0.2))
    with house(tmp_path / "data", mail_through(f"smtp://{HOST}:{silent_port}")) as home, home.stranger() as someone:
        refused(someone, "mail_failed", "POST", "/auth/request", {"email": ALICE}, does="Try again in a minute")
        assert someone.get("/readyz").text == "ready\n"  # nothing else waits for it


@pytest.mark.slow
def test_the_log_tells_why_a_mail_did_not_leave_and_nothing_of_what_it_says(
    tmp_path: Path, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    postbox = Postbox()
    postbox.refuses = True
    with house(tmp_path / "data", mail_through(f"smtp://{HOST}:{serve(postbox).port}")) as home:
        with home.stranger() as someone:
            assert someone.post("/auth/request", json={"email": ALICE}).status_code == 503
        assert "status=503" in home.logged()
    assert "451" in caplog.text
    assert not re.search(r"\b\d{6}\b", caplog.text)


@pytest.mark.slow
def test_without_a_mail_server_the_code_stands_on_the_operators_terminal(tmp_path: Path) -> None:
    with process(tmp_path / "data", local=False) as served, Person(served.url) as someone:
        assert someone.post("/auth/request", json={"email": ALICE}).status_code == 200
        found = re.search(r"^mail \| +(\d{6})$", served.printed(), re.MULTILINE)
        assert found, served.printed()
        entry = {"email": ALICE, "code": found.group(1)}
        assert someone.post("/auth/verify", json=entry).text.startswith("OK authenticated\n")
