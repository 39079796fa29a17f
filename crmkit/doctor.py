"""What the operator asks when something seems wrong: the installation and its data, looked at without changing them."""

import sys
from pathlib import Path

from crmkit import __version__
from crmkit.settings import Settings
from crmkit.storage.interface.brand import Brand, Finding


def examine(settings: Settings, brand: Brand) -> list[Finding]:
    """Return what was found, good and bad."""
    program = Finding("crmkit", True, f"{__version__} on Python {sys.version.split()[0]}")
    return [program, *brand.examine(Path(settings.server.data))]
