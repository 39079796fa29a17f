"""What the admins of a workspace chose for it."""

from msgspec import Struct
from msgspec.structs import asdict


class Preferences(Struct, frozen=True):
    """A workspace's settings: each has a default, and a column of this name.

    Nobody chooses or sees those in HIDDEN: they are written when fields are declared and scoring rules are made, so
    that other writes in a workspace that has none need not look for any.
    """

    timezone: str = "UTC"  # IANA name of the zone whose days it goes by
    currency: str = "USD"  # ISO 4217, of money that is sent without one
    country: str = ""  # ISO 3166-1 alpha-2, of phone numbers that are written without one
    language: str = ""  # BCP 47
    date_format: str = ""
    code_prefix: str = ""  # of the codes that new contacts get, like CRM-; none without
    declared_kinds: str = ""  # names of the kinds that have declared keys of custom, blanks between them
    scored_kinds: str = ""  # names of the kinds that have active scoring rules, likewise


HIDDEN = ("declared_kinds", "scored_kinds")
DEFAULTS = Preferences()


def shown(preferences: Preferences) -> dict[str, str | None]:
    """Return the settings as answers have them, None for one that was not chosen and has no default."""
    return {name: value or None for name, value in asdict(preferences).items() if name not in HIDDEN}
