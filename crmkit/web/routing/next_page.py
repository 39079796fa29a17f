"""The header that leads from a page to the next one (RFC 8288)."""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote_plus, urlsplit

from litestar.types import Scope

CURSOR = "cursor"  # the parameter
ASKED = "asked"  # in the state of a request that is part of another: the path and the query of that one
_LINK = re.compile('<(.*)>; rel="next"')
_SAFE = "!$%&'()*+,;=:@/?-._~"  # what stays in an address as it was sent


def link(scope: Scope, cursor: str) -> tuple[bytes, bytes]:
    """Return `Link: <PATH?QUERY>; rel="next"`, with the path of `base_url` before what was asked for."""
    path, query = scope["state"].get(ASKED) or asked(scope)
    kept = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) != CURSOR]
    target = quote(f"{path}?{'&'.join([*kept, f'{CURSOR}={cursor}'])}", safe=_SAFE)
    before = urlsplit(scope["litestar_app"].state.router.base_url).path.rstrip("/")
    if f"{path}/".startswith(f"{before}/"):  # the proxy did not strip it
        before = ""
    return b"link", f'<{before}{target}>; rel="next"'.encode("ascii")


def target(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the path and query of the next page that the headers of an answer lead to, "" where there is none."""
    found = (_LINK.fullmatch(content.decode("latin-1")) for name, content in headers if name == b"link")
    return next((link[1] for link in found if link), "")


def asked(scope: Scope) -> tuple[str, str]:
    """Return the path and the query of a request as it was sent."""
    raw: bytes = scope["raw_path"]
    return raw.decode("latin-1"), scope["query_string"].decode("latin-1")
