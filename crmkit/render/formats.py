"""The formats of answers, each a value: what `?format=` calls it, its media type, and how it writes an answer.

Negotiation, the error for an unknown format, OpenAPI and the sending of answers read these values. A route that has
further formats declares them (`Route.formats`).
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from crmkit.model.query.listing import Batches
from crmkit.render.answers import Answer
from crmkit.render.text import is_visible, printable

_VISIBLE = bytes(range(0x20, 0x7F))  # of ASCII
_encode = msgspec.json.Encoder().encode


class Format(Struct, frozen=True):
    """A format has `whole` if it writes an answer in one piece, `pieces` if it writes a list of any length in many."""

    name: str  # as `?format=` has it
    media: str  # as Accept and OpenAPI have it
    content_type: str
    whole: Callable[[Answer], bytes] | None = None
    pieces: Callable[[Batches], Iterator[bytes]] | None = None
    is_whole_record: bool = False  # its lists have all fields, not only those of list lines
    has_schema: bool = False  # OpenAPI's schemas describe its bodies

    def body(self, answer: Answer) -> bytes:
        """Return an answer in this format; raises TypeError for a format that has only pieces."""
        if self.whole is None:
            raise TypeError(f"the format {self.name} does not write answers in one piece")
        return self.whole(answer)


def encoded(content: Any) -> bytes:
    """Return JSON in which every unprintable character is escaped (see `printable`)."""
    found = _encode(content)
    # few characters of an answer are others than visible ASCII: only those are looked at one by one
    if is_visible(found.translate(None, _VISIBLE).decode()):
        return found
    # JSON has unprintable characters only within strings, where it may escape any of them
    return printable(found.decode()).encode()


def _text(answer: Answer) -> bytes:
    return answer.text().encode() + b"\n"


def _json(answer: Answer) -> bytes:
    return encoded(answer.data()) + b"\n"


TEXT = Format("text", "text/plain", "text/plain; charset=utf-8", _text)
JSON = Format("json", "application/json", "application/json", _json, is_whole_record=True, has_schema=True)
FORMATS = (TEXT, JSON)  # that every answer has, errors too
