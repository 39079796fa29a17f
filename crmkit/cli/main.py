"""The program: `crmkit COMMAND`; alone it prints help."""

import argparse
import io
import os
import platform
import sys
from collections.abc import Sequence

from crmkit import __version__
from crmkit.cli import audit, backups, data, people, serve, transfer
from crmkit.cli.options import Parser
from crmkit.settings import Settings, SettingsError

VERSION = f"crmkit {__version__}"
COMMANDS = (serve, data, backups, audit, people, transfer)  # in the order of the help


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; whatever stops it is one line on standard error."""
    _open_output()
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
        if options.run is None:
            parser.print_help()
            return 0
        status: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads the output, like head, has enough of it
        _drop_output()
        return 141
    except _expected() as error:
        print(f"crmkit: {_lost_output() or _line(error)}", file=sys.stderr)
        return 1
    return status


def _line(error: Exception) -> str:
    from crmkit.errors import Problem

    if not isinstance(error, Problem):
        return str(error)
    return "; ".join([error.hint, *(f"{name} {what}" for name, what in error.fields.items())])


def _lost_output() -> str:
    """Return why what was printed cannot be written, and drop it, so that nothing is said of it again; else nothing."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _drop_output()
        return f"the output cannot be written: {error.strerror}"
    return ""


def _open_output() -> None:
    """Have each line that is printed kept until it is written, so that `_lost_output` finds what could not be.

    Python keeps nothing where the environment asks for that. Where the program was begun without an output, there is
    none.
    """
    text = sys.__stdout__
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    elif text is sys.stdout and text is not None and isinstance(raw := text.buffer, io.RawIOBase):
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), text.encoding, text.errors, line_buffering=True)


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="crmkit", description="A headless, plain-text CRM that an AI agent operates.")
    parser.add_argument("--version", action="version", version=VERSION, help="print the version")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    version = commands.add_parser("version", help="print the version, and what the program runs on")
    version.set_defaults(run=_version)
    return parser


def _version(_: argparse.Namespace) -> int:
    from crmkit import boot

    told = (VERSION, f"Python {platform.python_version()}", boot.brand_of(Settings()).version)
    print(*told, f"frozen: {'yes' if hasattr(sys, 'frozen') else 'no'}", sep="\n")
    return 0


def _expected() -> tuple[type[Exception], ...]:
    from crmkit.errors import Problem
    from crmkit.storage.interface.database import InUse, Newer, Unusable

    return (SettingsError, InUse, Newer, Unusable, Problem, ValueError, OSError)
