"""The secret of a webhook, and what it signs, as Standard Webhooks 1.0 has both (standardwebhooks.com, Signatures)."""

import base64
import binascii
import hashlib
import hmac
from os import urandom

BEGINS = "whsec_"
LEAST, MOST = 24, 64  # bytes
_BYTES = 32  # of one that is made here


def new() -> str:
    """Return a fresh secret."""
    return f"{BEGINS}{base64.b64encode(urandom(_BYTES)).decode()}"


def key_of(secret: str) -> bytes:
    """Return the bytes that a secret stands for; raises ValueError for a text that is none."""
    if not secret.startswith(BEGINS):
        raise ValueError(secret)
    try:
        key = base64.b64decode(secret.removeprefix(BEGINS), validate=True)
    except binascii.Error as error:
        raise ValueError(secret) from error
    if not LEAST <= len(key) <= MOST:
        raise ValueError(secret)
    return key


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """Return what a message is signed with: `v1,` and base64. A secret that is none of ours is a key as it is."""
    try:
        key = key_of(secret)
    except ValueError:
        key = secret.encode()
    signed = hmac.new(key, b"%s.%d.%s" % (id.encode(), timestamp, body), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"
