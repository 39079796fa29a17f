"""Whether clients can use the URL that they are told, and are known by their own addresses; nothing is asked there."""

from crmkit.settings import Settings, SettingsError, check_https, is_every_address
from crmkit.storage.interface.database import Finding


def examine(settings: Settings) -> Finding:
    """Return how the settings of the URL fit together."""
    server, url = settings.server, settings.base_url
    is_secure = url.startswith("https://")
    try:
        check_https(settings)
    except SettingsError as error:
        return Finding("url", False, str(error))
    if is_every_address(server.host) and not server.base_url:
        told = f"clients are told {url}, which works on this machine alone: set [server] base_url to what they use"
        return Finding("url", False, told)
    if is_secure and not server.trusted_proxies:
        told = (
            f"{url} is served by a TLS proxy whose X-Forwarded-For is not believed, so all clients count as one: name "
            "its address in [server] trusted_proxies"
        )
        return Finding("url", False, told)
    tls = "by a TLS proxy" if is_secure else "without TLS, for this machine or a private network"
    return Finding("url", True, f"{url}, {tls}; not asked whether it answers there")
