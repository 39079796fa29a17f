"""What the URL of a database says: where it is, and how it is spoken to."""

import re
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from crmkit.storage.interface.database import Unusable

UNREADABLE = (
    "the URL of the database cannot be read: write odd characters of its user and password as %XX "
    "(@ is %40, / is %2F, : is %3A, ? is %3F, % is %25)"
)
_POOLED = re.compile(r"([?&])pooler=transaction(&|$)")
_SECONDS = 3  # to connect
_PLACE: dict[str, Any] = {  # unless the URL says otherwise
    "application_name": "crmkit",
    "connect_timeout": _SECONDS,
    "keepalives_idle": _SECONDS,  # of a machine that is gone without a word the connection ends soon
    "keepalives_interval": _SECONDS,
    "keepalives_count": _SECONDS,
    "tcp_user_timeout": 10_000,
}
# whatever the role, the database or the server has
_OPTIONS = (
    "-c crmkit.is_told=1 -c timezone=UTC -c default_transaction_isolation=read\\ committed "
    "-c jit=off -c standard_conforming_strings=on -c extra_float_digits=1 -c lock_timeout=0 "
    "-c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0"
)


def is_pooled(url: str) -> bool:
    """Tell whether there is a pooler of transactions in between (see pooler)."""
    return _POOLED.search(url) is not None


def parameters(url: str, **settings: str) -> dict[str, Any]:
    """Return what libpq is to connect with by a URL. A session gets these settings, behind a pooler none.

    Options of the URL come before ours, which hold. Raises Unusable, which shows nothing of the URL: where it cannot be
    read, anything in it may be a part of the password.
    """
    place = _POOLED.sub(lambda found: found[1] if found[2] else "", url)
    named_by, _, rest = place.partition("://")[2].partition("@")  # the user, and all else
    if "/" in named_by:
        rest = place
    try:
        named = conninfo_to_dict(place)
    except psycopg.Error:
        raise Unusable(UNREADABLE) from None
    ports = str(named.get("port") or "").split(",")
    if "@" in rest.partition("?")[0] or not all(port.isdecimal() for port in ports if port):
        raise Unusable(UNREADABLE)
    if not is_pooled(url):
        ours = _OPTIONS + "".join(f" -c {name}={value}" for name, value in settings.items())
        named["options"] = f"{named.get('options') or ''} {ours}".strip()
    return {**_PLACE, **named, "client_encoding": "utf8"}
