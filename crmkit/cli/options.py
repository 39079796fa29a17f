"""What commands have in common: how they are declared, and the settings that their options and the environment give."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.settings import Settings, unknown_names

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands = Any

CONFIG = "crmkit.toml"


class Parser(argparse.ArgumentParser):
    """A parser whose commands, and theirs, begin their own help with a sentence: that of the list, unless described.

    It does not pass over output that cannot be written.
    """

    def __init__(self, *names: Any, **more: Any) -> None:
        super().__init__(*names, **more)
        self.register("action", "parsers", _Commands)

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            print(message, end="", flush=True)
        else:
            super()._print_message(message, file)


# argparse has no public name for it, and it is generic for type checkers alone
class _Commands(argparse._SubParsersAction):  # type: ignore[type-arg]
    def add_parser(self, name: str, **more: Any) -> Any:
        told: str = more.get("description") or f"{more['help']}."
        return super().add_parser(name, **{**more, "description": f"{told[0].upper()}{told[1:]}"})


def common(command: argparse.ArgumentParser) -> None:
    """Declare the options of a command that works on the data of a server."""
    config(command)
    command.add_argument("--data", help="folder of the database, or the URL of one (default data)")


def config(command: argparse.ArgumentParser) -> None:
    """Declare the option that names the settings file."""
    command.add_argument("--config", help=f"settings file (default $CRMKIT_CONFIG, or ./{CONFIG} if it is there)")


def file_of(options: argparse.Namespace) -> Path | None:
    """Return the settings file that is named, else the one in this folder, if there is one."""
    named = options.config or os.environ.get("CRMKIT_CONFIG")
    if named:
        return Path(named)
    return Path(CONFIG) if os.path.exists(CONFIG) else None  # also in a folder that nobody may enter


def settings_of(options: argparse.Namespace) -> Settings:
    """Return the settings of a command that has the common options; names that are none are told on standard error."""
    from crmkit import boot

    flags = {
        ("server", "host"): getattr(options, "host", None),
        ("server", "port"): getattr(options, "port", None),
        ("server", "data"): options.data,
        ("server", "files"): getattr(options, "files", None),
        ("auth", "local"): getattr(options, "local", None),
    }
    for line in unknown_names(os.environ):
        print(f"crmkit: {line}", file=sys.stderr)
    return boot.load_settings(
        file_of(options),
        os.environ,
        {name: value for name, value in flags.items() if value is not None},
    )
