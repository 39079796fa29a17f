"""In local mode, only requests that name this machine are answered.

A web page elsewhere can point a name of its own at 127.0.0.1 (DNS rebinding) and would read the sign-in code.
"""

from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from crmkit.errors import Problem
from crmkit.settings import Settings, is_loopback


class OwnHost(ASGIMiddleware):
    """Refuses a Host that is neither a loopback name nor that of the base URL."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, settings: Settings) -> None:
        self._own = urlsplit(settings.base_url).hostname

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        header = next((content for name, content in scope["headers"] if name == b"host"), b"").decode("latin-1")
        try:
            host = urlsplit(f"//{header}").hostname or ""
        except ValueError:  # brackets that hold no address
            host = ""
        if host != self._own and not is_loopback(host):
            raise Problem("invalid_value", "This server is in local mode: use http://127.0.0.1 or http://localhost.")
        await next_app(scope, receive, send)
