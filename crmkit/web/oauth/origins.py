"""Who may call /mcp from a browser, and how a 401 there tells an app where to sign in."""

from urllib.parse import urlsplit

from litestar.types import Scope

from crmkit.core.oauth.connect import SCOPE
from crmkit.core.oauth.known_clients import KNOWN_ORIGINS
from crmkit.errors import Problem
from crmkit.settings import Settings, is_loopback
from crmkit.web.call import header_of

RESOURCE_METADATA = "/.well-known/oauth-protected-resource"


class Origins:
    """The web origins that may call: known ones, our own, those of the settings, and loopback on a local server.

    MCP asks for this check against DNS rebinding. A client that is no browser sends no Origin and passes.
    """

    def __init__(self, settings: Settings) -> None:
        own = urlsplit(settings.base_url)
        self._allowed = KNOWN_ORIGINS | {f"{own.scheme}://{own.netloc}", *settings.server.origins}
        self._is_local = is_loopback(own.hostname or "")

    def check(self, scope: Scope) -> None:
        """Raise `invalid_value` (403) for an Origin that may not call."""
        origin = header_of(scope, b"origin")
        if origin and origin not in self._allowed and not (self._is_local and _is_local(origin)):
            raise Problem(
                "invalid_value",
                "Web pages of this origin may not call here; the operator can allow it with [server] origins.",
                fields={"Origin": "is not allowed"},
                status=403,
            )


def challenge(settings: Settings, place: str, token_was_sent: bool) -> str:
    """Return the WWW-Authenticate header of a 401 (RFC 9728, 5.1) of the MCP endpoint at this path."""
    error = 'error="invalid_token", ' if token_was_sent else ""
    where = f"{settings.origin}{RESOURCE_METADATA}{settings.base_path}{place}"
    return f'Bearer {error}resource_metadata="{where}", scope="{SCOPE}"'


def _is_local(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:  # brackets that hold no address
        return False
