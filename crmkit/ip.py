"""IP addresses in one form for all comparisons: IPv4 mapped into IPv6 (::ffff:192.0.2.1) becomes plain IPv4."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAPPED_BITS = 96  # of ::ffff:0:0/96 (RFC 4291, 2.5.5.2)
SITE_BITS = 64  # the prefix of IPv6 that one household or host is given


def address(text: str) -> Address:
    """Return the address in a text; raises ValueError if it is none."""
    found = ipaddress.ip_address(text)
    return (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped) or found


def network(text: str) -> Network:
    """Return the network in a text, where an address is a network of one; raises ValueError if it is none."""
    found = ipaddress.ip_network(text, strict=False)
    if isinstance(found, ipaddress.IPv6Network) and found.prefixlen >= MAPPED_BITS:
        mapped = found.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((mapped, found.prefixlen - MAPPED_BITS))
    return found


@lru_cache(4096)
def plain(text: str) -> str:
    """Return an address in its usual spelling; a text that is no address stays as it is."""
    try:
        return str(address(text))
    except ValueError:
        return text


@lru_cache(4096)
def client(text: str) -> str:
    """Return what counts as one client: an IPv4 address, an IPv6 network of 64 bits, or a text that is neither."""
    try:
        found = address(text)
    except ValueError:
        return text
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(ipaddress.IPv6Network((int(found), SITE_BITS), strict=False))


def _joined(networks: Iterable[Network]) -> list[Network]:
    """Return the same addresses as few networks: none within another, and halves as the whole that they make."""
    v4 = (one for one in networks if isinstance(one, ipaddress.IPv4Network))
    v6 = (one for one in networks if isinstance(one, ipaddress.IPv6Network))
    return [*ipaddress.collapse_addresses(v4), *ipaddress.collapse_addresses(v6)]


class Networks:
    """A set of networks; raises ValueError for a text that is no network."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._networks = _joined([network(text) for text in texts])
        self._holds = lru_cache(4096)(self._search)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, text: str) -> bool:
        """Tell whether a text is an address in one of the networks."""
        return self._holds(text)

    def covers(self, text: str) -> bool:
        """Tell whether all addresses of a network are in one of these; raises ValueError if it is none."""
        found = network(text)
        return any(found.network_address in one and found.broadcast_address in one for one in self._networks)

    def _search(self, text: str) -> bool:
        try:
            found = address(text)
        except ValueError:
            return False
        return any(found in one for one in self._networks)
