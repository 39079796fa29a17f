"""Which URLs and addresses may be reached: all public ones by https, others where the operator's `allow` has them.

A URL is judged twice: as it is written (`check`), and by each address that its host has when a connection is made
(`refusal`). Every form of an address other than the usual one is refused, since parsers disagree about them.
"""

import re
import socket
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from crmkit import ip
from crmkit.errors import Problem
from crmkit.ip import Address, Networks

MAX_URL = 2_000  # characters
ADVICE = "An operator allows networks in [webhooks] allow."
PORTS = {"http": 80, "https": 443}

_VISIBLE = re.compile(r"[!-~]+")
_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*", re.A
)
_PORT = re.compile(r"[0-9]{1,5}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a last label that makes the whole host an IPv4 address (WHATWG URL, 3.5)
_LOOPBACK_NAME = re.compile(r"(.+\.)?localhost(\.localdomain)?")  # RFC 6761, 6.3

# what is no public address of one host (IANA's registry of special-purpose addresses), and who has it
_REFUSED_V4 = {
    IPv4Network(network): why
    for network, why in {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by a provider",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "metadata of a cloud",
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "reserved",
        "192.0.2.0/24": "documentation",
        "192.88.99.0/24": "a relay of 6to4",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}
# outside it are loopback, link-local, ULA, multicast, and the prefixes that hold an IPv4 address (mapped, NAT64)
_PUBLIC_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = {
    IPv6Network(network): why
    for network, why in {
        "2001::/23": "reserved",  # Teredo, ORCHID, benchmarking
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4",
        "3fff::/20": "documentation",
    }.items()
}


class Target(Struct, frozen=True):
    """The parts of a URL that was checked; `path` has the query with it, `address` is None for a host name."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def authority(self) -> str:
        """Return host and port as a Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def check(url: str, allowed: Networks) -> Target:
    """Return the parts of a URL that may be asked for, as far as that is known before its host is looked up.

    Raises `address_refused`.
    """
    target = _parsed(url)
    if target.address is None:
        if _LOOPBACK_NAME.fullmatch(target.host) and not any(one in allowed for one in ("127.0.0.1", "::1")):
            raise _refused(f"{target.host} is this machine itself (loopback)")
        if target.scheme == "http" and not allowed:
            raise _refused("http is not encrypted: use https")
        return target
    why = refusal(target.address, allowed, target.scheme)
    if why:
        raise _refused(why)
    return target


def refusal(address: Address, allowed: Networks, scheme: str) -> str:
    """Return why no connection is made to an address, "" if it may be.

    The address is not told: that of a private name is nobody's business.
    """
    if str(address) in allowed:
        return ""
    why = special(address)
    if why:
        return f"its address is not public ({why})"
    if _is_own(address):
        return "its address is this machine's own"
    return "http is not encrypted: use https" if scheme == "http" else ""


def special(address: Address) -> str:
    """Return what an address is that is not one of a public host, "" for one that is."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return "an IPv4 address within IPv6"
        if address not in _PUBLIC_V6:
            return "outside the public addresses of IPv6"
        return next((why for network, why in _REFUSED_V6.items() if address in network), "")
    return next((why for network, why in _REFUSED_V4.items() if address in network), "")


def _is_own(address: Address) -> bool:
    """Tell whether this machine has the address: then it is also the one it would connect from. Nothing is sent."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.connect((str(address), 9))
            return ip_address(asked.getsockname()[0]) == address
    except OSError:  # no way leads there
        return False


def _parsed(url: str) -> Target:
    if len(url) > MAX_URL or not _VISIBLE.fullmatch(url) or "\\" in url:
        raise _refused(
            f"a URL has at most {MAX_URL} visible ASCII characters and no backslash; write its host as xn--…"
        )
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no address
        raise _refused("the host cannot be read") from None
    if parts.scheme not in PORTS:
        raise _refused("only https:// and http:// are spoken")
    if "@" in parts.netloc:
        raise _refused("it names a user or a password")
    if "#" in url:
        raise _refused("a fragment is never sent: leave it out")
    host, bracket, port = _divided(parts.netloc.lower())
    if port and (not _PORT.fullmatch(port) or not 0 < int(port) < 65536):
        raise _refused("the port is none")
    address = _address(host, bool(bracket))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = host if address is None else str(address)
    return Target(parts.scheme, name, int(port or PORTS[parts.scheme]), path, address)


def _divided(netloc: str) -> tuple[str, str, str]:
    """Return the host, its bracket if it has one, and the port, "" if left out."""
    found = re.fullmatch(r"(?:(\[)([^\[\]]*)\]|([^\[\]:]*))(?::(.*))?", netloc)
    if found is None:
        raise _refused("the host cannot be read")
    return found[2] or found[3] or "", found[1] or "", found[4] or ""


def _address(host: str, in_brackets: bool) -> Address | None:
    """Return the address that a host is, None for a name; raises `address_refused` for one in no usual form."""
    if in_brackets:
        if "%" in host:
            raise _refused("the address has a zone")
        try:
            return ip.address(str(IPv6Address(host)))
        except ValueError:
            raise _refused("the host in brackets is no IPv6 address") from None
    if host.endswith("."):
        raise _refused("the host ends with a dot")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return ip.address(host)
        except ValueError:
            raise _refused("write an IPv4 address as four decimal numbers") from None
    if not _NAME.fullmatch(host):
        raise _refused("the URL names no host" if not host else "the host is no name")
    return None


def _refused(why: str) -> Problem:
    return Problem("address_refused", f"Use a public https:// URL: {why}. {ADVICE}")
