"""What a host in the settings can be reached from."""

import re

from crmkit import ip

# names that no public DNS has (RFC 2606, RFC 6761, RFC 6762, RFC 8375, and ICANN's reservation of .internal)
PRIVATE_NAMES = (".localhost", ".local", ".internal", ".home.arpa", ".test")


def is_host(text: str) -> bool:
    """Tell whether a text can be a host name or an address; an empty one stands for every address."""
    try:
        return bool(ip.address(text))
    except ValueError:
        return not re.search(r"[\[\]:/?#@]", text)


def is_public(host: str) -> bool:
    """Tell whether a host name or address is public, not one of a private network."""
    try:
        return ip.address(host).is_global
    except ValueError:
        return "." in host.rstrip(".") and not host.rstrip(".").lower().endswith(PRIVATE_NAMES)


def is_every_address(host: str) -> bool:
    """Tell whether a server that listens on `host` listens on every address of its machine (0.0.0.0, ::)."""
    try:
        return not host or ip.address(host).is_unspecified
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Tell whether a server that listens on `host` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip.address(host).is_loopback
    except ValueError:
        return False
