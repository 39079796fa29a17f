"""Commands on who may sign in: `crmkit token`."""

import argparse
import sys

from crmkit.cli.options import Commands, common, settings_of


def add(commands: Commands) -> None:
    """Declare the command."""
    token = commands.add_parser("token", help="print a fresh token, for the operator who holds the data folder")
    common(token)
    token.add_argument("--email", required=True, help="whose token; a new address gets an account")
    token.add_argument("--name", default="operator", help="what the token is called in GET /tokens (default operator)")
    token.set_defaults(run=_token)


def _token(options: argparse.Namespace) -> int:
    from crmkit import boot
    from crmkit.core.people import notes

    signed_in = boot.operator_token(settings_of(options), options.email, options.name)
    for note in notes.of_sign_in(signed_in):
        print(f"crmkit: {note}", file=sys.stderr)
    print(signed_in.token)
    return 0
