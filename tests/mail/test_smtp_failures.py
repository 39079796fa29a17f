"""Mail servers that refuse, drop, babble or hang: the mail fails in time, with a reason and without its secrets."""

import asyncio
import socket
import threading
import time

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from crmkit.mail import MailFailed
from crmkit.mail.smtp import Smtp
from tests.mail.posting import CODE, FROM, HOST, Inbox, Serve, ServeRaw, Talk, failure, send


class Refusing(Inbox):
    """Answers one command with a refusal that quotes what it was told."""

    def __init__(self, command: str, answer: str) -> None:
        super().__init__()
        setattr(self, f"handle_{command}", self._refuse)
        self._answer = answer

    async def _refuse(self, *_: object) -> str:
        return self._answer


@pytest.mark.parametrize(
    ("command", "answer", "reason"),
    [
        ("MAIL", "553 5.1.8 quoted <crm@example.com>", "answered 553 5.1.8 (SMTPSenderRefused)"),
        ("RCPT", "550 5.1.1 quoted <jane@acme.com>", "answered 550 5.1.1 (SMTPRecipientRefused)"),
        ("RCPT", "450 quoted, come back", "answered 450 (SMTPRecipientRefused)"),
        ("DATA", "554 5.7.1 quoted: Your code is 123456", "answered 554 5.7.1 (SMTPDataError)"),
        ("DATA", "421 quoted, closing", "answered 421 (SMTPDataError)"),
    ],
)
def test_a_refusal_is_told_by_its_codes(serve: Serve, command: str, answer: str, reason: str) -> None:
    port = serve(Refusing(command, answer)).port
    assert failure(f"smtp://{HOST}:{port}") == f"{HOST}:{port} {reason}"


def test_a_server_that_refuses_the_connection_fails_the_mail() -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    assert failure(f"smtp://{HOST}:{port}").startswith(f"{HOST}:{port} failed: [Errno 111]")


def close_at_once(connection: socket.socket) -> None:
    pass


def close_after_the_greeting(connection: socket.socket) -> None:
    connection.sendall(b"220 hello\r\n")
    connection.recv(1024)


def close_in_the_middle(connection: socket.socket) -> None:
    connection.sendall(b"220 hello\r\n")
    for _ in range(4):  # EHLO, MAIL, RCPT, DATA
        command = connection.recv(1024)
        connection.sendall(b"354 go on\r\n" if command.startswith(b"DATA") else b"250 ok\r\n")
    connection.recv(1024)


def talk_nonsense(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 quoted\r\n\r\n")


def talk_without_end(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"220-quoted\r\n" * 1000)


@pytest.mark.parametrize(
    "talk", [close_at_once, close_after_the_greeting, close_in_the_middle, talk_nonsense, talk_without_end]
)
def test_a_server_that_closes_or_answers_nonsense_fails_the_mail(serve_raw: ServeRaw, talk: Talk) -> None:
    assert failure(f"smtp://{HOST}:{serve_raw(talk)}", timeout_seconds=5)


@pytest.mark.alone
@pytest.mark.parametrize("scheme", ["smtp", "smtps", "smtp+starttls"])
def test_a_server_that_accepts_and_says_nothing_fails_the_mail_in_time(scheme: str, silent_port: int) -> None:
    started = time.monotonic()
    reason = failure(f"{scheme}://{HOST}:{silent_port}", timeout_seconds=0.5)
    assert reason == f"{HOST}:{silent_port} did not take the message in time"
    assert 0.4 < time.monotonic() - started < 0.9


class Stuck(Inbox):
    """Never answers one command."""

    def __init__(self, command: str) -> None:
        super().__init__()
        setattr(self, f"handle_{command}", self._wait)

    async def _wait(self, *_: object) -> str:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.alone
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_hangs_in_the_middle_fails_the_mail_in_time(serve: Serve, command: str) -> None:
    port = serve(Stuck(command)).port
    started = time.monotonic()
    assert "in time" in failure(f"smtp://{HOST}:{port}", timeout_seconds=0.3)
    assert time.monotonic() - started < 0.7


class Slow(Inbox):
    """Answers each command just before one would give up on it."""

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        await asyncio.sleep(0.3)
        envelope.mail_from = sender
        return "250 ok"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, recipient: str, options: list[str]
    ) -> str:
        await asyncio.sleep(0.3)
        envelope.rcpt_tos.append(recipient)
        return "250 ok"


@pytest.mark.slow
def test_the_time_limit_is_for_the_whole_send_and_not_for_each_command(serve: Serve) -> None:
    inbox = Slow()
    url = f"smtp://{HOST}:{serve(inbox).port}"
    assert "in time" in failure(url, timeout_seconds=0.5)
    assert not inbox.envelopes
    send(url, timeout_seconds=2)
    assert len(inbox.envelopes) == 1


@pytest.mark.alone
def test_a_message_that_was_taken_is_sent_however_the_server_says_goodbye(serve: Serve) -> None:
    for inbox in (Stuck("QUIT"), Refusing("QUIT", "500 quoted")):
        started = time.monotonic()
        send(f"smtp://{HOST}:{serve(inbox).port}", timeout_seconds=0.5)
        assert len(inbox.envelopes) == 1
        assert time.monotonic() - started < 0.9


@pytest.mark.parametrize("timeout_seconds", [0.2, 10])
def test_a_send_that_is_given_up_leaves_no_connection_behind(serve_raw: ServeRaw, timeout_seconds: float) -> None:
    closed = threading.Event()

    def fall_silent(connection: socket.socket) -> None:
        connection.sendall(b"220 hello\r\n")
        connection.recv(1024)
        connection.sendall(b"250 ok\r\n")
        connection.recv(1024)
        if connection.recv(1024) == b"":
            closed.set()

    async def give_up() -> bool:
        smtp = Smtp(f"smtp://{HOST}:{serve_raw(fall_silent)}", FROM, timeout_seconds=timeout_seconds)
        with pytest.raises((MailFailed, TimeoutError)):
            async with asyncio.timeout(0.4):
                await smtp.send(CODE)
        return await asyncio.to_thread(closed.wait, 5)

    assert asyncio.run(give_up())
