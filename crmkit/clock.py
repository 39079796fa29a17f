"""Times as text of fixed width: RFC 3339 in UTC, to the second, called stamps.

Stamps sort as text in the order of time, so one value is stored, compared, sorted and shown.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from msgspec import Struct

Clock = Callable[[], datetime]

# the names that HTTP has for them, whatever the locale
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(Struct, frozen=True):
    """The present, as answers tell it: a stamp, and the IANA name of the zone whose days a workspace goes by."""

    now: str = ""
    timezone: str = ""


def system_clock() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Return `moment` (aware) as `2026-06-10T09:00:00Z`; fractions of a second are cut."""
    since = moment - _EPOCH
    return _written(since.days, since.seconds)


@lru_cache(256)
def _written(days: int, seconds: int) -> str:
    """Return the stamp of a second since 1970; cached, since every request needs the present one."""
    return (_EPOCH + timedelta(days, seconds)).isoformat()[:19] + "Z"


@lru_cache(16)
def http_date(text: str) -> bytes:
    """Return the stamp `text` as `Wed, 10 Jun 2026 09:00:00 GMT` (RFC 9110, 5.6.7); cached like stamps."""
    at = moment(text)
    return f"{_DAYS[at.weekday()]}, {at:%d} {_MONTHS[at.month - 1]} {at:%Y %H:%M:%S} GMT".encode()


def moment(text: str) -> datetime:
    """Return the aware datetime that `stamp` wrote."""
    return datetime.fromisoformat(text)


def is_alive(expires_at: str, now: str, **life: float) -> bool:
    """Tell whether something with this lifetime (arguments of timedelta) that ends at `expires_at` is still valid.

    If its end is further away than its lifetime, it was made before the clock was set back: then it is not valid.
    """
    return now < expires_at <= after(now, **life)


@lru_cache(256)
def after(text: str, **span: float) -> str:
    """Return the stamp that lies `span` (arguments of timedelta) after the stamp `text`."""
    return stamp(moment(text) + timedelta(**span))
