"""Cursors: where a page ended, sealed so that only the query that made it can go on from it, and nobody can read it.

The seal is deterministic authenticated encryption in the manner of SIV (RFC 5297): the authentication code of the
position is also the nonce of the key stream that hides it. So one page has one cursor, and a cursor tells no row number
of the database, only its own length.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Any

import msgspec

from crmkit.errors import Problem

_SEAL = 16  # bytes of the HMAC that are kept: 128 bits


def seal(key: bytes, binding: str, position: list[Any]) -> str:
    """Return the opaque cursor for `position` (JSON values); `binding` says which query it belongs to."""
    payload = msgspec.json.encode(position)
    mac = _mac(key, binding, payload)
    return base64.urlsafe_b64encode(mac + _hidden(key, mac, payload)).rstrip(b"=").decode("ascii")


def unseal(key: bytes, binding: str, cursor: str) -> list[Any]:
    """Return the position in `cursor`; raises `invalid_cursor` when it was changed or belongs elsewhere."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    mac = raw[:_SEAL]
    payload = _hidden(key, mac, raw[_SEAL:])
    canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") == cursor
    if not canonical or not hmac.compare_digest(mac, _mac(key, binding, payload)):
        raise Problem(
            "invalid_cursor",
            "Send the cursor of the page before with the same filters, search and sort, in the same workspace; "
            "or leave cursor out to start at the first page.",
        )
    position: list[Any] = msgspec.json.decode(payload)
    return position


def _mac(key: bytes, binding: str, payload: bytes) -> bytes:
    digest = hashlib.sha256(binding.encode()).digest()
    return hmac.digest(key, b"cursor\x00" + digest + payload, "sha256")[:_SEAL]


def _hidden(key: bytes, mac: bytes, payload: bytes) -> bytes:
    """Return the payload under the key stream of this mac; hiding it twice shows it again."""
    stream = hashlib.shake_256(hmac.digest(key, b"cursor stream\x00" + mac, "sha256")).digest(len(payload))
    return (int.from_bytes(payload) ^ int.from_bytes(stream)).to_bytes(len(payload))
