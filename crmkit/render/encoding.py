"""JSON as bytes, in which nothing is hidden."""

from typing import Any

import msgspec

from crmkit.render.text import is_visible, printable

_VISIBLE = bytes(range(0x20, 0x7F))  # of ASCII
_encode = msgspec.json.Encoder().encode


def encoded(content: Any) -> bytes:
    """Return JSON in which every unprintable character is escaped (see `printable`)."""
    found = _encode(content)
    # few characters of an answer are others than visible ASCII: only those are looked at one by one
    if is_visible(found.translate(None, _VISIBLE).decode()):
        return found
    # JSON has unprintable characters only within strings, where it may escape any of them
    return printable(found.decode()).encode()
