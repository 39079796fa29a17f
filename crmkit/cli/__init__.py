"""The commands of the program: `main` runs one; the other modules declare them, and import late what they run."""

from crmkit.cli.main import main

__all__ = ["main"]
