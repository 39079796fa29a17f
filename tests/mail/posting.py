"""What tests of mail over SMTP share: how to send, the reason of a failure, an inbox, and a door with one password."""

import asyncio
import selectors
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from crmkit.mail import MailFailed, Message
from crmkit.mail.message import Sender
from crmkit.mail.smtp import Smtp

HOST = "127.0.0.1"
CODE = Message("jane@acme.com", "Your code", "Your code is 123456.\n")
FROM = Sender("crmkit", "crm@example.com")
PASSWORD = "p@ss:w/ö?#%41 d"
USER_AND_PASSWORD = "crm%40example.com:p%40ss%3Aw%2F%C3%B6%3F%23%2541%20d"

# the fixtures of conftest.py
Serve = Callable[..., Controller]
Talk = Callable[[socket.socket], None]
ServeRaw = Callable[[Talk], int]
Certified = Callable[[str], ssl.SSLContext]


class Inbox:
    """Keeps every envelope with the session that brought it."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.sessions: list[Session] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        self.sessions.append(session)
        return "250 2.0.0 taken"


def send(url: str, message: Message = CODE, **options: Any) -> None:
    """Send a message, and return once its connection is closed on this side as well."""
    selector = selectors.DefaultSelector()

    async def closed() -> None:
        async with asyncio.timeout(5):
            while len(selector.get_map()) > 1:  # one is the loop's own
                await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        try:
            runner.run(Smtp(url, FROM, **options).send(message))
        finally:
            runner.run(closed())


def failure(url: str, message: Message = CODE, **options: Any) -> str:
    """Return the reason of a send that must fail, after looking for secrets in it."""
    with pytest.raises(MailFailed) as caught:
        send(url, message, **options)
    reason = str(caught.value)
    assert len(reason.splitlines()) == 1
    assert not any(secret in reason for secret in ("123456", PASSWORD, USER_AND_PASSWORD, "quoted"))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return reason


class Door:
    """An authenticator that lets one password in and keeps what was tried."""

    def __init__(self) -> None:
        self.tried: list[LoginPassword] = []

    def __call__(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
        self.tried.append(data)
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)
