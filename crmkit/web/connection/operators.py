"""Who may ask what is for the operator alone (`Route.for_operator`): this machine, and who has the secret."""

import time
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from math import ceil

from litestar.types import Scope

from crmkit import ip
from crmkit.errors import Problem
from crmkit.settings import Settings, is_loopback
from crmkit.web.call import INSIDE, KNOWN, WITHIN, address_of, credentials, header_of
from crmkit.web.connection.hosts import named_host
from crmkit.web.limits.windows import MINUTE, Passed, Window

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="crmkit operator"'}

_FORWARDING = (b"forwarded", b"via", b"x-real-ip")  # headers of proxies, beside all that begin with x-forwarded-


class Operators:
    """Lets in a request with the secret, or without a token one of this machine that no proxy forwards.

    Wrong secrets of one client are counted, and refused unread past as many in a minute as it may sign in.
    """

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        self._secret = settings.server.metrics_secret.encode()
        self._trusted = ip.Networks(settings.server.trusted_proxies)
        self._own_url = f"http://127.0.0.1:{settings.server.port}"
        self._now = now
        self._wrong = Window(
            Passed("client", MINUTE), settings.limits.signins_per_minute, "With wrong secrets this client has"
        )

    def check(self, scope: Scope) -> None:
        """Raise `auth_required`, `invalid_token` or `rate_limited` unless the operator asks."""
        if any(mark in scope["state"] for mark in (INSIDE, KNOWN, WITHIN)):  # a token of a person stands behind it
            raise Problem("auth_required", f"No tool and no link asks for this. {self._how(scope)}", headers=CHALLENGE)
        sent = credentials(scope)
        if sent:
            self._check_secret(sent, scope)
        elif not self._is_of_this_machine(scope):
            raise Problem("auth_required", f"This is for the operator. {self._how(scope)}", headers=CHALLENGE)

    def _check_secret(self, sent: str, scope: Scope) -> None:
        now = self._now()
        wrong = self._wrong.passed.under(ip.client(address_of(scope)), now)
        if self._wrong.most and wrong.count >= self._wrong.most:
            raise self._wrong.refusal(ceil(self._wrong.wait(wrong, now)) or 1)
        scheme, _, token = sent.strip().partition(" ")
        content = token.strip().encode("latin-1")
        # of equal length, so that the time of the comparison tells nothing
        is_right = compare_digest(sha256(content).digest(), sha256(self._secret).digest())
        if not (self._secret and is_right and scheme.lower() == "bearer"):
            wrong.count += 1
            wrong.last = now
            raise Problem(
                "invalid_token", f"This is not the secret of the operator. {self._how(scope)}", headers=CHALLENGE
            )

    def _is_of_this_machine(self, scope: Scope) -> bool:
        """Tell whether a program here asks: no proxy, and no web page whose name leads to this address."""
        address = address_of(scope)
        if not is_loopback(address) or address in self._trusted:
            return False
        if any(name in _FORWARDING or name.startswith(b"x-forwarded-") for name, _ in scope["headers"]):
            return False
        return is_loopback(named_host(header_of(scope, b"host")))

    def _how(self, scope: Scope) -> str:
        needed = "Authorization: Bearer SECRET with the `[server] metrics_secret` of its settings"
        if "127.0.0.1" in self._trusted:
            return f"Send {needed}: 127.0.0.1 is a trusted proxy, so what comes from there may be another machine's."
        return f"Ask on the machine itself, {self._own_url}{scope['path']} without a token, or send {needed}."
