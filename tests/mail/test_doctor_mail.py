"""`crmkit doctor --mail`: a test mail over real mail servers, and what to do where it does not leave."""

import re
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.house import run
from tests.mail.posting import HOST, USER_AND_PASSWORD, Certified, Door, Inbox, Serve
from tests.storage.desk import desk

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]  # the tests' PostgreSQL has faults of its own: it is in haste

YOU = "you@example.com"
Looked = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def looked(tmp_path: Path) -> Looked:
    """Run doctor on a sound data folder."""
    with desk(tmp_path / "data") as back:
        back.person("alice@example.com")

    def look(*arguments: str, smtp_url: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        return run("doctor", *arguments, cwd=tmp_path, CRMKIT_MAIL_SMTP_URL=smtp_url, **environ)

    return look


def of_mail(done: subprocess.CompletedProcess[str], status: int) -> str:
    """Return what doctor found of mail, which alone decides on its exit status."""
    assert (done.returncode, done.stderr) == (status, "")
    *others, last = done.stdout.splitlines()
    assert all(line.startswith("ok ") for line in others), others
    found = re.fullmatch(r"(ok  |BAD ) mail: (.*)", last)
    assert found, last
    assert (found[1] == "ok  ") is (status == 0)
    return found[2]


def test_a_test_mail_arrives(looked: Looked, serve: Serve) -> None:
    inbox = Inbox()
    port = serve(inbox).port
    found = of_mail(looked("--mail", " You@EXAMPLE.com", smtp_url=f"smtp://{HOST}:{port}"), 0)
    assert found.startswith(f"{HOST} took one to {YOU}; ")
    (envelope,) = inbox.envelopes
    assert envelope.rcpt_tos == [YOU]
    assert b"Subject: Test mail from crmkit" in (envelope.original_content or b"")


def test_without_the_flag_no_mail_is_sent_and_doctor_offers_it(looked: Looked, serve: Serve) -> None:
    inbox = Inbox()
    port = serve(inbox).port
    offer = f"`crmkit doctor --mail {YOU}` sends a test mail"
    found = of_mail(looked(smtp_url=f"smtp://{USER_AND_PASSWORD}@{HOST}:{port}"), 0)
    assert found == f"goes to {HOST}, which was not tried; {offer}"
    assert inbox.envelopes == []
    found = of_mail(looked(), 0)
    assert "codes are printed on the terminal of the server; set [mail] smtp_url" in found
    assert found.endswith(offer)
    assert "codes stand in the answer" in of_mail(looked(CRMKIT_AUTH_LOCAL="true"), 0)


def test_a_test_mail_without_a_mail_server_is_a_fault(looked: Looked) -> None:
    assert of_mail(looked("--mail", YOU), 1).startswith("none can be sent, ")


class Refusing:
    """Refuses every recipient."""

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, to: str, options: list[str]) -> str:
        return "550 5.7.1 relaying denied"


class Busy:
    """Takes no mail now."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "451 4.3.0 not now"


def closed_port() -> int:
    with closing(socket.create_server((HOST, 0))) as listener:
        return int(listener.getsockname()[1])


def password(server: Serve) -> Controller:
    return server(Inbox(), authenticator=Door(), auth_required=True, auth_require_tls=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize(
    ("url", "started", "cure"),
    [
        ("smtp://{host}:{port}", lambda serve: serve(Refusing()), "the server refuses this recipient, or the sender"),
        ("smtp://{host}:{port}", lambda serve: serve(Busy()), "try again in some minutes"),
        ("smtp://a:b@{host}:{port}", password, "the server wants another user or password"),
        ("smtp://{host}:{port}", password, "the server wants another user or password"),
        ("smtp+starttls://{host}:{port}", lambda serve: serve(Inbox()), "the server starts no TLS on this port"),
        ("smtps://{host}:{port}", lambda serve: serve(Inbox()), "check host and port in [mail] smtp_url"),
        ("smtp://{host}:{closed}", lambda serve: serve(Inbox()), "check host and port in [mail] smtp_url"),
    ],
)
def test_a_mail_that_does_not_leave_is_a_fault_with_what_to_do(
    looked: Looked, serve: Serve, url: str, started: Callable[[Serve], Controller], cure: str
) -> None:
    smtp_url = url.format(host=HOST, port=started(serve).port, closed=closed_port())
    found = of_mail(looked("--mail", YOU, smtp_url=smtp_url), 1)
    assert found.startswith(f"not sent: {HOST}:")
    assert cure in found


def test_a_certificate_that_nobody_vouches_for_is_a_fault_with_what_to_do(
    looked: Looked, serve: Serve, certified: Certified
) -> None:
    port = serve(Inbox(), tls_context=certified("other.example.com")).port
    found = of_mail(looked("--mail", YOU, smtp_url=f"smtp+starttls://{HOST}:{port}"), 1)
    assert "must be a name in the server's certificate" in found


def test_a_mail_setting_that_cannot_be_read_is_a_fault_and_repeats_no_password(looked: Looked) -> None:
    done = looked(smtp_url="smtp://me:hunter2@host:port")
    assert "smtp_url must be" in of_mail(done, 1)
    assert "hunter2" not in done.stdout


def test_what_is_no_address_gets_no_mail(looked: Looked) -> None:
    done = looked("--mail", "you", smtp_url="smtp://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "crmkit: --mail must be an address like jane@acme.com\n"
