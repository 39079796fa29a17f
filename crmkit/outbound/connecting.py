"""The network as httpcore sees it: connections to checked addresses alone. It is imported by the first request."""

import asyncio
import ssl
from collections.abc import Iterable

import httpcore

from crmkit import ip
from crmkit.ip import Address, Networks
from crmkit.outbound.guard import Target, refusal
from crmkit.outbound.names import Resolve

MOST_ADDRESSES = 4  # of a name, that are tried


class Refused(httpcore.ConnectError):
    """No connection was tried; the message says why."""


class Checked(httpcore.AsyncNetworkBackend):
    """Connects to the host of one target, by `deadline` (of the loop's clock).

    A name of which any address may not be reached is refused as a whole. What is connected to is the address that was
    checked: the name is not looked up again. The certificate must be that of the name.
    """

    def __init__(self, target: Target, allowed: Networks, resolve: Resolve, deadline: float) -> None:
        self._target, self._allowed, self._resolve, self._deadline = target, allowed, resolve, deadline
        self._network = httpcore.AnyIOBackend()
        self._made: httpcore.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        tried = (await self._addresses())[:MOST_ADDRESSES]
        failed: httpcore.ConnectError | httpcore.ConnectTimeout = Refused(f"{host} has no address")
        for at, address in enumerate(tried):
            left = self._deadline - asyncio.get_running_loop().time()
            try:
                left = max(0.0, left) / (len(tried) - at)
                self._made = await self._network.connect_tcp(str(address), port, timeout=left)
                return self._made
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def aclose(self) -> None:
        """Close what was connected; httpcore leaves it open where the time ends in the middle of a handshake."""
        if self._made is not None:
            await self._made.aclose()

    async def _addresses(self) -> list[Address]:
        target = self._target
        if target.address is not None:
            found = [target.address]
        else:
            try:
                found = [ip.address(text) for text in await self._resolve(target.host)]
            except (OSError, ValueError):
                raise Refused(f"the name {target.host} cannot be looked up") from None
        for address in found:
            why = refusal(address, self._allowed, target.scheme)
            if why:
                raise Refused(why)
        return found


def reason(error: Exception) -> str:
    """Return why a request got no answer, without a word of what the server sent."""
    if isinstance(error, Refused):
        return str(error)
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout):
        return "no connection"
    if isinstance(error, httpcore.RemoteProtocolError):
        return "the server ended the connection, or its answer is no HTTP"
    return "the connection broke"
