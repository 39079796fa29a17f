"""Settings. Each is declared once. Flags win over the environment, that over crmkit.toml, that over defaults.

Every `[section] key` is the environment variable CRMKIT_SECTION_KEY. A setting that cannot be read raises SettingsError
with one line to print, and so does one of the file that does not exist. A name in the environment that is no setting is
left out, since other programs may have put it there; `unknown_names` tells the operator.
"""

from crmkit.settings.declared import (
    CONFIG,
    FACES,
    OF_CLIENTS,
    PREFIX,
    Backup,
    Limits,
    Row,
    Server,
    Settings,
    SettingsError,
    rows,
)
from crmkit.settings.hosts import is_every_address, is_loopback
from crmkit.settings.loading import check_https, load, unknown_names

__all__ = [
    "CONFIG",
    "FACES",
    "OF_CLIENTS",
    "PREFIX",
    "Backup",
    "Limits",
    "Row",
    "Server",
    "Settings",
    "SettingsError",
    "check_https",
    "is_every_address",
    "is_loopback",
    "load",
    "rows",
    "unknown_names",
]
