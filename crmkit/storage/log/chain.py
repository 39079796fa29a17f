"""The digests that hold the audit log in place: pure, made with a key of the server.

The digest of an entry is keyed and covers all its columns, `changes` by a salted digest of their own. So once a person
is erased the entry has no content and no salt, what was left of both tells nothing, and the other columns are still
held. Digests of entries make the root of a seal; each seal has the digest of the one before it.
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

COLUMNS = ("seq", "workspace_id", "id", "at", '"by"', "token_name", "action", "target", "op", "version", "changes")
SALT_BYTES = 16

_PURPOSE = b"crmkit audit chain"
_encode = msgspec.msgpack.encode


def content(salt: bytes, changes: str) -> bytes:
    """Return the digest of what an entry holds, from which nobody who lacks the salt can tell what it was."""
    return sha256(salt + changes.encode("utf-8", "surrogatepass")).digest()


class Chain:
    """The digests of one server, whose secret is `secret`."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, _PURPOSE, "sha256")
        self.start = self._made("start")  # stands for the seal before the first

    def entry(self, columns: Iterable[Any], content: bytes) -> bytes:
        """Return the digest of an entry: its COLUMNS but for the last, and the digest of that."""
        return self._made("entry", *columns, content)

    def root(self, digests: Iterable[tuple[int, bytes]]) -> bytes:
        """Return the digest of (number, digest) of all entries of a seal, in order."""
        return self._made("root", *(part for pair in digests for part in pair))

    def seal(self, before: bytes, *columns: Any) -> bytes:
        """Return the digest of a seal: that of the seal before it, and its own columns."""
        return self._made("seal", before, *columns)

    def erased(self, seq: int, content: bytes) -> bytes:
        """Return what proves that this server erased the entry of a number, whose content had this digest."""
        return self._made("erased", seq, content)

    def begins(self, workspace_id: str, after: int, entries: int) -> bytes:
        """Return what proves that this server removed so many entries of a workspace, up to this number."""
        return self._made("begins", workspace_id, after, entries)

    def ended(self, number: int) -> bytes:
        """Return what proves that this server deleted the workspace of a number."""
        return self._made("ended", number)

    def _made(self, what: str, *parts: Any) -> bytes:
        return hmac.digest(self._key, _encode((what, *parts)), "sha256")
