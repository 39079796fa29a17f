"""The check of the Host header. In local mode it must name this machine.

Otherwise a web page could point a domain of its own at 127.0.0.1 (DNS rebinding) and read the sign-in code.
"""

import re
from urllib.parse import urlsplit

from litestar.types import Scope

from crmkit.errors import Problem
from crmkit.settings import Settings, is_loopback

_ODD = re.compile(r"[^A-Za-z0-9._~:\[\]%!$&'()*+,;=-]")  # characters that no host has (RFC 3986, 3.2.2)


class Hosts:
    """Refuses an invalid Host header, a missing one and several (RFC 9112, 3.2); in local mode also one that is neither
    a loopback name nor the host of the base URL."""

    def __init__(self, settings: Settings) -> None:
        self._is_local = settings.auth.local
        self._own = urlsplit(settings.base_url).hostname
        self._newest: list[bytes] = []  # the Host headers of the newest request that was let in

    def check(self, scope: Scope) -> None:
        """Raise `invalid_value` for a Host that is refused."""
        named = [content for name, content in scope["headers"] if name == b"host"]
        if named and named == self._newest:
            return
        if len(named) != 1 and (named or scope["http_version"] != "1.0"):
            raise Problem("invalid_value", "Send exactly one Host header, as HTTP/1.1 has it.")
        header = named[0].decode("latin-1") if named else ""
        if _ODD.search(header):
            raise Problem("invalid_value", "Send the Host of this server: a name or an address, and perhaps a port.")
        if self._is_local:
            self._check_local(header)
        self._newest = named

    def _check_local(self, header: str) -> None:
        host = named_host(header)
        if host != self._own and not is_loopback(host):
            raise Problem("invalid_value", "This server is in local mode: use http://127.0.0.1 or http://localhost.")


def named_host(header: str) -> str:
    """Return the host in a Host header without its port; empty where it names none."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:  # brackets that hold no address
        return ""
