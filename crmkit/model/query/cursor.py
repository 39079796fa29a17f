"""Cursors: the position at which a page ended, encrypted, and bound to the query that made it.

The encryption is deterministic and authenticated, like SIV (RFC 5297): the MAC of the position is also the nonce of the
key stream. So a page always has the same cursor. It shows how long the position is, and the moment of the first page
where filters are told by the present: `today` means on every page what it meant on the first.
"""

import hashlib
import hmac
import re
from typing import Any

import msgspec

from crmkit import base64url
from crmkit.errors import Problem
from crmkit.model.times.written import parse

_SEAL = 16  # bytes of the HMAC that are kept: 128 bits
SHORTEST = len(base64url.encode(b"[]" + bytes(_SEAL)))  # characters of a cursor
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.", re.ASCII)
_SIGNS = re.compile("[-:]")
_HINT = (
    "Send the cursor of the page before with the same filters, search and sort, in the same workspace; "
    "or leave cursor out to start at the first page."
)


def seal(key: bytes, binding: str, position: list[Any], at: str = "") -> str:
    """Return the cursor for `position` (JSON values); `binding` names the query that it belongs to.

    Where the query is one of a moment, that is the stamp `at`, which `moment_of` finds again.
    """
    payload = msgspec.json.encode(position)
    begin = _SIGNS.sub("", at) + "." if at else ""
    mac = _mac(key, begin + binding, payload)
    return begin + base64url.encode(mac + _xored(key, mac, payload))


def moment_of(cursor: str) -> str:
    """Return the stamp that a cursor was sealed with, "" without one; it is not sure before `unseal`."""
    found = _MOMENT.match(cursor)
    return (found and parse("{}-{}-{}T{}:{}:{}Z".format(*found.groups()))) or ""


def unseal(key: bytes, binding: str, cursor: str, hint: str = _HINT) -> list[Any]:
    """Return the position in `cursor`; raises `invalid_cursor` when it was changed or belongs elsewhere."""
    begin, dot, sealed = cursor.rpartition(".")
    try:
        raw = base64url.decode(sealed)
    except ValueError:
        raw = b""
    mac = raw[:_SEAL]
    payload = _xored(key, mac, raw[_SEAL:])
    if not hmac.compare_digest(mac, _mac(key, begin + dot + binding, payload)):
        raise Problem("invalid_cursor", hint)
    position: list[Any] = msgspec.json.decode(payload)
    return position


def _mac(key: bytes, binding: str, payload: bytes) -> bytes:
    digest = hashlib.sha256(binding.encode()).digest()
    return _keyed(key, b"cursor\x00" + digest + payload)[:_SEAL]


def _xored(key: bytes, mac: bytes, payload: bytes) -> bytes:
    """Return the payload XOR the key stream of this MAC, which encrypts and decrypts."""
    stream = hashlib.shake_256(_keyed(key, b"cursor stream\x00" + mac)).digest(len(payload))
    return (int.from_bytes(payload) ^ int.from_bytes(stream)).to_bytes(len(payload))


def _keyed(key: bytes, message: bytes) -> bytes:
    """Return the HMAC; unlike `hmac.digest`, without giving up the interpreter lock, which takes longer to get back."""
    return hmac.new(key, message, "sha256").digest()
