"""Base64 in the alphabet of URLs, without padding (RFC 4648, 5; RFC 7515, 2)."""

import base64
import binascii


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes that `encode` made this text of; raises ValueError for any other text.

    Each text stands for one value: padding, other characters and bits that would be dropped are refused.
    """
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not base64url") from None
    if encode(raw) != text:
        raise ValueError("not base64url as it is written")
    return raw
