"""Floor 2: mail leaves here. Each message goes to one person, in plain text."""

from typing import Protocol

from crmkit.mail.console import Console
from crmkit.mail.message import MailFailed, Message, Sender
from crmkit.mail.smtp import Smtp

__all__ = ["MailFailed", "Mailer", "Message", "mailer"]


class Mailer(Protocol):
    """Whatever can send: `send` returns once the message is handed over, else raises MailFailed in time."""

    async def send(self, message: Message) -> None: ...


def mailer(smtp_url: str, sender: str, *, timeout_seconds: float = 10) -> Mailer:
    """Return the mailer of two settings (no URL: the terminal); raises ValueError with one line to print."""
    known = Sender.parse(sender)
    return Smtp(smtp_url, known, timeout_seconds=timeout_seconds) if smtp_url else Console()
