"""Mail for a server without SMTP: it is printed where the operator looks."""

import sys
from typing import TextIO

from crmkit.mail.message import MailFailed, Message


class Console:
    """A mailer that prints on the server's own terminal: standard output, unless `stream` is given."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    async def send(self, message: Message) -> None:
        """Return once the message is printed, each line marked as mail: it can forge no line of a log."""
        stream = self._stream or sys.stdout
        lines = [f"To: {message.to}", f"Subject: {message.subject}", "", *message.body.splitlines()]
        text = "".join(f"mail | {_visible(line)}".rstrip() + "\n" for line in lines)
        encoding = stream.encoding or "utf-8"
        try:
            print(text.encode(encoding, "backslashreplace").decode(encoding), end="", file=stream, flush=True)
        except (OSError, ValueError) as error:  # a broken pipe, a closed stream
            raise MailFailed(f"cannot print on the terminal: {type(error).__name__}") from None


def _visible(line: str) -> str:
    """Return `line` with what a terminal would obey (escape sequences, bidi marks) written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
