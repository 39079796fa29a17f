"""Who asks when a proxy stands between: X-Forwarded-For of the proxies that are trusted, and of nobody else."""

from litestar.types import Scope

from crmkit import ip

MOST_HOPS = 100  # of one request that are looked at, the nearest ones
LONGEST_HOP = 64  # characters; more than an address with a port has


def asking(scope: Scope, trusted: ip.Networks) -> str:
    """Return the address a request comes from: the peer's or, of a trusted proxy, the one it forwards for.

    Each proxy appends whom it heard, so the last address that is no trusted proxy counts; anybody can have written what
    stands before it.
    """
    found = ip.plain((scope.get("client") or ("unknown", 0))[0])
    if found not in trusted:
        return found
    forwarded = b",".join(content for name, content in scope["headers"] if name == b"x-forwarded-for")
    for hop in reversed(forwarded.decode("latin-1").rsplit(",", MOST_HOPS)[-MOST_HOPS:]):
        if hop.strip():
            found = _host(hop.strip()[:LONGEST_HOP])
            if found not in trusted:
                break
    return found


def _host(hop: str) -> str:
    """Return the address of a hop, which some proxies write with a port (`192.0.2.1:443`, `[2001:db8::1]:443`)."""
    if hop.startswith("["):
        return ip.plain(hop[1:].partition("]")[0])
    return ip.plain(hop.partition(":")[0] if hop.count(":") == 1 else hop)
