"""A mail and its bytes. Pure, and safe against header injection.

The headers are written here, not by the `email` package, which lets some control characters through as line breaks
(CVE-2024-6923, CVE-2026-1299). Each is written by `header`, and the finished bytes are checked once more.
"""

import binascii
import re
import unicodedata
from base64 import b64encode
from datetime import datetime

from msgspec import Struct

from crmkit.model import address

_SENDER = re.compile(r'"?([^"<>]*?)"? *<([^<>]+)>')
_PLAIN_SUBJECT = re.compile(r"(?!.*=\?)[!-~](?:[ -~]{0,58}[!-~])?")  # a subject that needs no encoding
_PLAIN_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _-]{0,58}[A-Za-z0-9])?")  # a name before an address that needs none
_CONTROLS = {"Cc", "Cs", "Zl", "Zp"}  # includes every character at which str.splitlines cuts
_LINE = 76  # characters of a line with encoded words (RFC 2047, 2)
_PIECE = 9  # characters of text in one such word: at most 36 octets, 60 when encoded, after "Subject: "


class MailFailed(Exception):
    """The mail was not sent; the text is a reason for the log, without secrets and without the content of the mail."""


class Message(Struct, frozen=True):
    """A mail to one person. Its repr leaves the content out, since codes do not belong in logs."""

    to: str
    subject: str
    body: str

    def __repr__(self) -> str:
        return f"Message(to={self.to!r})"


class Sender(Struct, frozen=True):
    """The sender of every mail; the name may be empty."""

    name: str
    address: str

    @classmethod
    def parse(cls, text: str) -> "Sender":
        """Return the sender in the setting `from`; raises ValueError with one line to print."""
        found = _SENDER.fullmatch(text.strip())
        name, mailbox = found.groups() if found else ("", text)
        try:
            header("from", name, "")
            return cls(name, address.email(mailbox))
        except ValueError:
            raise ValueError("from must be like crm@example.com or crmkit <crm@example.com>") from None

    @property
    def domain(self) -> str:
        return self.address.partition("@")[2]


def written(message: Message, sender: Sender, sent_at: datetime, unique: str) -> bytes:
    """Return the bytes of the mail: ASCII, or UTF-8 if an address is beyond ASCII (RFC 6532).

    `unique` makes the Message-ID. Raises ValueError for an invalid address and for control characters.
    """
    from email.utils import format_datetime  # imported late: not needed until a mail is sent

    fields = {
        "Date": ("", format_datetime(sent_at)),
        "Message-ID": ("", f"<{unique}@{sender.domain}>"),
        "From": (sender.name, f"<{sender.address}>"),
        "To": ("", address.email(message.to)),
        "Subject": (message.subject, ""),
        "Auto-Submitted": ("", "auto-generated"),  # RFC 3834: asks for no vacation notes
        "MIME-Version": ("", "1.0"),
        "Content-Type": ("", 'text/plain; charset="utf-8"'),
        "Content-Transfer-Encoding": ("", "quoted-printable"),
    }
    head = "".join(header(name, *value) for name, value in fields.items())
    body = "\n".join([*message.body.splitlines(), ""]).encode("utf-8", "replace")
    raw = f"{head}\r\n".encode() + binascii.b2a_qp(body).replace(b"\n", b"\r\n")
    lines = raw.partition(b"\r\n\r\n")[0].decode().splitlines()  # splitlines cuts wherever any reader might
    if [line.partition(":")[0] for line in lines if not line.startswith(" ")] != [*fields]:
        raise ValueError("the finished message does not hold exactly the expected headers")
    return raw


def header(name: str, text: str, token: str) -> str:
    """Return one header: `text`, encoded if needed, and `token` as it is; raises ValueError for control characters."""
    for character in text + token:
        if unicodedata.category(character) in _CONTROLS:
            raise ValueError(f"{name} holds the control character U+{ord(character):04X}")
    plain = _PLAIN_NAME if token else _PLAIN_SUBJECT
    pieces = (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))
    encoded = (f"=?utf-8?b?{b64encode(piece.encode()).decode()}?=" for piece in pieces)
    parts = [*([text] if plain.fullmatch(text) else encoded), *([token] if token else [])]
    fold = " " if len(" ".join([name, *parts])) < _LINE else "\r\n "
    return f"{name}: {fold.join(parts)}\r\n"
