"""Mail on a server without SMTP: it is printed on the terminal."""

import json
import sys
from typing import TextIO

from crmkit.clock import stamp, system_clock
from crmkit.mail.message import MailFailed, Message


class Console:
    """A mailer that prints on the server's own terminal: standard output, unless `stream` is given."""

    def __init__(self, stream: TextIO | None = None, as_json: bool = False) -> None:
        self._stream = stream
        self._as_json = as_json

    async def send(self, message: Message) -> None:
        """Return once the message is printed. Each line is marked as mail, so none looks like a line of the log.

        As JSON it is one object on a line, like those of the log.
        """
        stream = self._stream or sys.stdout
        text = _line(message) if self._as_json else _lines(message)
        encoding = stream.encoding or "utf-8"
        try:
            print(text.encode(encoding, "backslashreplace").decode(encoding), end="", file=stream, flush=True)
        except (OSError, ValueError) as error:  # a broken pipe, a closed stream
            raise MailFailed(f"cannot print on the terminal: {type(error).__name__}") from None


def _line(message: Message) -> str:
    fields = {"at": stamp(system_clock()), "level": "info", "message": "mail"}
    return json.dumps({**fields, "to": message.to, "subject": message.subject, "body": message.body}) + "\n"


def _lines(message: Message) -> str:
    lines = [f"To: {message.to}", f"Subject: {message.subject}", "", *message.body.splitlines()]
    return "".join(f"mail | {_visible(line)}".rstrip() + "\n" for line in lines)


def _visible(line: str) -> str:
    """Return `line` with control characters (escape sequences, bidi marks) spelled out, which a terminal ignores."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
