"""OAuth clients. An app's description of itself (redirect URIs, name) is its client id, so nothing is stored.

Anyone may register anything, so a stored or signed record would prove no more than the description does. It is checked
again in every request that brings the id. Or the client id is the URL of a document that describes the app: see
`documents`.
"""

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, parse_qsl, urlsplit

import msgspec
from msgspec import Struct

from crmkit import base64url
from crmkit.core.oauth.known_clients import LOOPBACK_HOSTS, REFUSED_SCHEMES
from crmkit.model.names import clean

MAX_URIS = 8
MAX_URI = 1_000  # characters
MAX_ID = 2_000

_URI = re.compile(r"[!-\[\]-~]+")  # visible ASCII without the backslash, which browsers read as a slash
# a name or address and a port, nothing else: what browsers take for the host is then what is shown as the host
_NETLOC = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_ADDED = {"code", "state", "iss", "error"}  # parameters that the redirect to the app adds


class BadClient(ValueError):
    """A description or client id that is refused; the message says what is wrong with it."""


class _Description(msgspec.Struct, omit_defaults=True):
    redirect_uris: list[str]
    client_name: str = ""


class Client(Struct, frozen=True):
    """An app, as it describes itself: where its user is sent back to, and a name, which anyone may choose.

    `document` is the URL of the document that describes it, empty for one that registered.
    """

    redirect_uris: tuple[str, ...]
    name: str
    document: str = ""

    @property
    def id(self) -> str:
        if self.document:
            return self.document
        described = msgspec.json.encode(_Description([*self.redirect_uris], self.name))
        return base64url.encode(described)

    def returns_to(self, uri: str) -> bool:
        """Tell whether `uri` was registered; on loopback the port may differ.

        RFC 8252, 7.3: a program on the user's machine listens on whatever port is free.
        """
        without_port = _without_port(uri)
        return uri in self.redirect_uris or (
            without_port is not None and without_port in map(_without_port, self.redirect_uris)
        )


def described(redirect_uris: Sequence[str], name: str) -> Client:
    """Return the client of a registration; raises BadClient."""
    if not 1 <= len(redirect_uris) <= MAX_URIS:
        raise BadClient(f"send 1 to {MAX_URIS} redirect_uris")
    for uri in redirect_uris:
        check(uri)
    client = Client(tuple(redirect_uris), clean(name))
    if len(client.id) > MAX_ID:
        raise BadClient("send fewer or shorter redirect_uris")
    return client


def is_url(id: str) -> bool:
    """Tell whether a client id is the URL of a document; one that /register gave out never looks so."""
    return id.startswith("https://")


def client_of(id: str) -> Client:
    """Return the client that an id describes; raises BadClient for a text that is no id of ours."""
    try:
        if len(id) > MAX_ID:
            raise ValueError
        found = msgspec.json.decode(base64url.decode(id), type=_Description)
    except (ValueError, RecursionError):
        raise BadClient("the client_id is none that /register gave out") from None
    client = described(found.redirect_uris, found.client_name)
    if client.id != id:
        raise BadClient("the client_id is none that /register gave out")
    return client


def check(uri: str) -> None:
    """Raise BadClient unless an answer may be sent to `uri` (RFC 9700, 2.1; RFC 8252, 7)."""
    if len(uri) > MAX_URI or not _URI.fullmatch(uri):
        raise BadClient(f"a redirect URI is at most {MAX_URI} visible ASCII characters without backslash")
    parts = _split(uri)
    if parts is None or "#" in uri or parts.username is not None or parts.password is not None:
        raise BadClient("a redirect URI has no fragment, no user and no password")
    if parts.scheme in ("http", "https") and not _NETLOC.fullmatch(parts.netloc):
        raise BadClient("a redirect URI names its host")
    if _ADDED & {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}:
        raise BadClient(f"the query of a redirect URI has no {', '.join(sorted(_ADDED))}: the answer has them")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise BadClient("a redirect URI with http stays on the machine: localhost, 127.0.0.1 or [::1]; else use https")
    if not parts.scheme or parts.scheme in REFUSED_SCHEMES:
        raise BadClient("a redirect URI is https, http on loopback, or has the app's own scheme, like app://callback")


def host_of(uri: str) -> str:
    """Return the host of a redirect URI, or the scheme of a program as `cursor://`: what its user is shown."""
    parts = urlsplit(uri)
    return (parts.hostname or "") if parts.scheme in ("http", "https") else f"{parts.scheme}://"


def is_on_this_machine(uri: str) -> bool:
    """Tell whether `uri` leads to a program on the user's own machine."""
    parts = urlsplit(uri)
    return parts.scheme not in ("http", "https") or parts.hostname in LOOPBACK_HOSTS


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return None
    return parts


def _without_port(uri: str) -> tuple[str, ...] | None:
    """Return the parts of a valid http URI, which is on loopback, without its port; None for any other URI."""
    try:
        check(uri)
    except BadClient:
        return None
    parts = urlsplit(uri)
    return (parts.hostname or "", parts.path, parts.query) if parts.scheme == "http" else None
