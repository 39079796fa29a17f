"""Commands on the audit log: `crmkit audit verify`."""

import argparse

from crmkit.cli.options import Commands, common, settings_of


def add(commands: Commands) -> None:
    """Declare the commands."""
    audit = commands.add_parser("audit", help="verify that nobody changed the audit log")
    verbs = audit.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verify = verbs.add_parser("verify", help="seal the audit log, and find what was changed in it since")
    common(verify)
    verify.add_argument(
        "--head", metavar="HEX", default="", help="what an earlier run printed as `head`: is its log still there?"
    )
    verify.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    from crmkit import boot

    verdict = boot.verify_log(settings_of(options), options.head)
    for fault in verdict.faults:
        print(f"BAD  {fault}")
    if verdict.all_faults > len(verdict.faults):
        print(f"BAD  and {verdict.all_faults - len(verdict.faults):,} more")
    print(verdict.line)
    print(f"head: {verdict.head}")
    return 1 if verdict.faults else 0
