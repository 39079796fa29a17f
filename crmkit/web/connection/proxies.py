"""The client behind a proxy: X-Forwarded-For, believed of trusted proxies alone."""

from litestar.types import Scope

from crmkit import ip

MAX_HOPS = 100  # addresses in X-Forwarded-For that are read, from the last
MAX_HOP = 64  # characters, more than an address with a port has


def client_address(scope: Scope, trusted: ip.Networks) -> str:
    """Return the address of the client: the peer's or, if that is a trusted proxy, the one that it forwards for.

    Each proxy appends the address of its own peer, so the last address that is no trusted proxy is the client's. The
    client may have sent any addresses before it.
    """
    found = ip.plain((scope.get("client") or ("unknown", 0))[0])
    if found not in trusted:
        return found
    forwarded = b",".join(content for name, content in scope["headers"] if name == b"x-forwarded-for")
    for hop in reversed(forwarded.decode("latin-1").rsplit(",", MAX_HOPS)[-MAX_HOPS:]):
        if hop.strip():
            found = _host(hop.strip()[:MAX_HOP])
            if found not in trusted:
                break
    return found


def _host(hop: str) -> str:
    """Return the address of a hop, which some proxies write with a port (`192.0.2.1:443`, `[2001:db8::1]:443`)."""
    if hop.startswith("["):
        return ip.plain(hop[1:].partition("]")[0])
    return ip.plain(hop.partition(":")[0] if hop.count(":") == 1 else hop)
