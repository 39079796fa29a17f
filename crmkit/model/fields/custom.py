"""Keys of a workspace's own."""

import re
from typing import Any

import msgspec

from crmkit.model.fields.base import FieldType, Invalid
from crmkit.model.operators.rows import Taken

# a key of custom that a dotted path spells as it is (custom.region); any other is spelled as a JSON string
PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Custom(FieldType, frozen=True):
    """Free keys: an object of JSON values, merged key by key; filtered and sorted as `custom.KEY`."""

    most: int = 100
    kib: int = 32
    sortable = False
    structured = True
    merges = True
    taken = Taken.WHOLE
    wire = dict[str, Any]

    @property
    def says(self) -> str:
        return f"an object of at most {self.most} keys and {self.kib} KiB"

    def cleaned(self, value: dict[str, Any]) -> dict[str, Any] | None:
        if "" in value:
            raise Invalid("has an empty key; every key needs a name")
        return value  # {} changes no key

    def merged(self, before: dict[str, Any] | None, sent: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return `before` overwritten by the keys of `sent`, without keys set to null; raises Invalid past a limit."""
        if sent is None:
            return None
        merged = {key: value for key, value in {**(before or {}), **sent}.items() if value is not None}
        if len(merged) > self.most:
            raise Invalid(f"has {len(merged)} keys; at most {self.most} fit")
        if len(msgspec.json.encode(merged)) > self.kib * 1024:
            raise Invalid(f"is larger than {self.kib} KiB")
        return merged or None

    def united(self, kept: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any] | None:
        return self.merged(kept, {key: value for key, value in (other or {}).items() if key not in (kept or {})})
