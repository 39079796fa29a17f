"""`crmkit serve`."""

import argparse
import gc
import os
import shlex

from crmkit.announcement import YOU
from crmkit.cli.options import Commands, common, file_of, settings_of
from crmkit.operate.program import command
from crmkit.settings import Settings


def add(commands: Commands) -> None:
    """Declare the command."""
    serve = commands.add_parser("serve", help="serve the API", description="Serve the API until SIGTERM or Ctrl-C.")
    common(serve)
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default 8000; 0 takes a free one)")
    serve.add_argument(
        "--local", action="store_true", default=None, help="show sign-in codes in responses; loopback only"
    )
    serve.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    gc.disable()  # nearly all that a start makes stays; `boot.serve` turns it on again
    from crmkit import boot  # imported late: `version` and `--help` need no web server

    settings = settings_of(options)
    boot.serve(settings, _token_command(options, settings))
    return 0


def _token_command(options: argparse.Namespace, settings: Settings) -> str:
    """Return what the operator types in another terminal, in whatever folder, for a token of this data."""
    file = file_of(options)
    config = ["--config", os.path.abspath(file)] if file else []
    # a URL may hold a password: the operator has it in the environment or the file
    data = [] if settings.server.is_remote else ["--data", os.path.abspath(settings.server.data)]
    return shlex.join([*command(), "token", "--email", YOU, *config, *data])
