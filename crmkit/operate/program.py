"""How this program is run: what the operator types in another terminal, and what the server runs beside itself."""

import os
import shutil
import sys
from pathlib import Path


def command() -> list[str]:
    """Return the words that run this program, in whatever folder."""
    program = Path(sys.argv[0])
    found = shutil.which(program.name)
    if program.name == "__main__.py":
        return [sys.executable, "-m", "crmkit"]
    if found and Path(found).resolve() == program.resolve():
        return [program.name]
    return [os.path.abspath(program)]
