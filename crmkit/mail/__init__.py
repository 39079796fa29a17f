"""Floor 2: sending mail. Each message goes to one person, in plain text.

`message` makes the bytes of a mail. `smtp` sends them to a mail server; without one, `console` prints the mail.
"""

from typing import Protocol

from crmkit.mail.console import Console
from crmkit.mail.message import MailFailed, Message, Sender

__all__ = ["MailFailed", "Mailer", "Message", "mailer"]


class Mailer(Protocol):
    """What sends mail: `send` returns once the message is handed over, or raises MailFailed."""

    async def send(self, message: Message) -> None: ...


def mailer(smtp_url: str, sender: str, *, timeout_seconds: float = 10, as_json: bool = False) -> Mailer:
    """Return the mailer for these settings: SMTP, or the terminal if there is no URL; raises ValueError to print.

    On the terminal a mail is text, or `as_json` a line of JSON.
    """
    known = Sender.parse(sender)
    if not smtp_url:
        return Console(as_json=as_json)
    from crmkit.mail.smtp import Smtp  # imported late: without SMTP the start need not load its library

    return Smtp(smtp_url, known, timeout_seconds=timeout_seconds)
