"""Commands on the audit log: `crmkit audit verify`, `crmkit audit renew`."""

import argparse
from typing import TYPE_CHECKING

from crmkit.cli.options import Commands, common, settings_of

if TYPE_CHECKING:
    from crmkit.core.sealing.verify import Verdict


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
    renew = verbs.add_parser("renew", help="seal the audit log anew as it is now, after secret.key was lost")
    common(renew)
    renew.add_argument("--yes", action="store_true", help="do it: what was changed before is not found any more")
    renew.set_defaults(run=_renew)


def _verify(options: argparse.Namespace) -> int:
    from crmkit import boot

    return _told(boot.verify_log(settings_of(options), options.head))


def _renew(options: argparse.Namespace) -> int:
    from crmkit import boot

    if not options.yes:
        raise ValueError(
            "this drops all seals: what was changed in the log before is not found any more, and no head that was "
            "noted is found again. If secret.key is lost for good, or `crmkit audit verify` told you what you looked "
            "into, stop the server, make a backup, and say --yes"
        )
    return _told(boot.renew_log(settings_of(options)))


def _told(verdict: "Verdict") -> int:
    for fault in verdict.faults:
        print(f"BAD  {fault}")
    if verdict.all_faults > len(verdict.faults):
        print(f"BAD  and {verdict.all_faults - len(verdict.faults):,} more")
    print(verdict.line)
    print(f"head: {verdict.head}")
    return 1 if verdict.faults else 0
