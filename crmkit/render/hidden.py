"""An answer without some of its ids or secrets: those that a dry run made, and those that are shown once."""

import re
from collections.abc import Collection


def without(body: bytes, hidden: Collection[str], word: str) -> bytes:
    """Return a body in which a `word` stands for each hidden text, and null where that is a whole string of JSON.

    Such a string may be a handle: `"contact/c_…"` becomes null, and at the start of a line `contact/c_…` becomes
    contact/WORD.
    """
    if not hidden:
        return body
    any_of = b"(?:%s)" % b"|".join(re.escape(text.encode()) for text in hidden)
    body = re.sub(rb'"(?:[a-z]+/)?%s"' % any_of, b"null", body)
    return re.sub(rb"(?<![a-z0-9_])%s(?![a-z0-9])" % any_of, word.encode(), body)
