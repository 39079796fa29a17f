"""Mail on a server without SMTP: it is printed on the terminal."""

import sys
from typing import TextIO

from crmkit.mail.message import MailFailed, Message


class Console:
    """A mailer that prints on the server's own terminal: standard output, unless `stream` is given."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    async def send(self, message: Message) -> None:
        """Return once the message is printed. Each line is marked as mail, so none looks like a line of the log."""
        stream = self._stream or sys.stdout
        lines = [f"To: {message.to}", f"Subject: {message.subject}", "", *message.body.splitlines()]
        text = "".join(f"mail | {_visible(line)}".rstrip() + "\n" for line in lines)
        encoding = stream.encoding or "utf-8"
        try:
            print(text.encode(encoding, "backslashreplace").decode(encoding), end="", file=stream, flush=True)
        except (OSError, ValueError) as error:  # a broken pipe, a closed stream
            raise MailFailed(f"cannot print on the terminal: {type(error).__name__}") from None


def _visible(line: str) -> str:
    """Return `line` with control characters (escape sequences, bidi marks) spelled out, which a terminal ignores."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
