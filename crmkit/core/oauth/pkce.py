"""Proof Key for Code Exchange (RFC 7636), method S256 alone: only the app that asked for a code can redeem it."""

import hashlib
import hmac
import re

from crmkit import base64url

METHOD = "S256"

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def is_challenge(text: str) -> bool:
    return _CHALLENGE.fullmatch(text) is not None


def proves(verifier: str, challenge: str) -> bool:
    """Tell whether `challenge` was made of `verifier`."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return hmac.compare_digest(base64url.encode(digest), challenge)
