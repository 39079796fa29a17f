"""In local mode, only requests that name this machine are answered.

A web page elsewhere can point a name of its own at 127.0.0.1 (DNS rebinding) and would read the sign-in code.
"""

from urllib.parse import urlsplit

from litestar.types import Scope

from crmkit.errors import Problem
from crmkit.settings import Settings, is_loopback
from crmkit.web.requests import header_of


class OwnHost:
    """Refuses a Host that is neither a loopback name nor that of the base URL."""

    def __init__(self, settings: Settings) -> None:
        self._own = urlsplit(settings.base_url).hostname

    def check(self, scope: Scope) -> None:
        """Raise `invalid_value` when the request names another machine."""
        try:
            host = urlsplit(f"//{header_of(scope, b'host')}").hostname or ""
        except ValueError:  # brackets that hold no address
            host = ""
        if host != self._own and not is_loopback(host):
            raise Problem("invalid_value", "This server is in local mode: use http://127.0.0.1 or http://localhost.")
