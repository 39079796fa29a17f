"""Commands on who may sign in, and where: `crmkit token`, `users`, `workspaces`, `tokens`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from crmkit.cli.options import Commands, common, file_of, settings_of
from crmkit.settings import Settings

if TYPE_CHECKING:
    from crmkit.storage.interface.connection import Connection


def add(commands: Commands) -> None:
    """Declare the commands."""
    token = commands.add_parser("token", help="print a fresh token, for the operator who holds the data folder")
    common(token)
    token.add_argument("--email", required=True, help="whose token; a new address gets an account")
    token.add_argument("--name", default="operator", help="what the token is called in GET /tokens (default operator)")
    token.set_defaults(run=_token)

    users = _group(commands, "users", "who has an account; disable one, and enable it again")
    _listing(users, "all accounts", "accounts")
    for name, told in (
        ("disable", "end all that an account may do, from the next request on; its invites are withdrawn"),
        ("enable", "give an account back what it had"),
    ):
        one = users.add_parser(name, help=told)
        one.add_argument("email", metavar="EMAIL", help="address of the account")
        common(one)
        one.set_defaults(run=partial(_switch, disabled=name == "disable"))

    workspaces = _group(commands, "workspaces", "which workspaces there are; give one another plan")
    _listing(workspaces, "all workspaces", "workspaces")
    told = "give a workspace another plan, from the next request on; what it holds beyond that stays"
    plan = workspaces.add_parser("plan", help=told)
    plan.add_argument("id", metavar="WS", help="id of the workspace, like ws_k7m2q9xa")
    plan.add_argument("plan", metavar="NAME", help="unlimited, or NAME of a table [plans.NAME] in the settings")
    common(plan)
    plan.set_defaults(run=_plan)

    _listing(_group(commands, "tokens", "which tokens there are"), "all tokens", "tokens")


def _group(commands: Commands, name: str, told: str) -> Commands:
    group = commands.add_parser(name, help=told)
    return group.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _listing(commands: Commands, told: str, what: str) -> None:
    listing = commands.add_parser("list", help=told, description=f"Print {told}, the oldest first, one a line.")
    listing.add_argument("--json", action="store_true", help="print one JSON object with them as items")
    common(listing)
    listing.set_defaults(run=partial(_list, what=what))


def _token(options: argparse.Namespace) -> int:
    from crmkit import boot
    from crmkit.core.people import notes

    signed_in = boot.operator_token(settings_of(options), options.email, options.name)
    for note in notes.of_sign_in(signed_in):
        print(f"crmkit: {note}", file=sys.stderr)
    print(signed_in.token)
    return 0


def _list(options: argparse.Namespace, what: str) -> int:
    from msgspec import to_builtins

    from crmkit import boot
    from crmkit.render.encoding import encoded
    from crmkit.storage.people import listed

    settings = settings_of(options)
    work: Callable[[Connection], Sequence[Any]] = getattr(listed, what)
    found = [to_builtins(one) for one in boot.read(settings, work)]
    if options.json:
        print(
            encoded(
                {"items": [{name: text if text != "" else None for name, text in one.items()} for one in found]}
            ).decode()
        )
    else:
        for one in found:
            print(_line(one))
    if what == "workspaces":
        _tell_undeclared(settings)
    return 0


def _tell_undeclared(settings: Settings) -> None:
    from crmkit import boot
    from crmkit.core.examining import plans

    told = boot.read(settings, lambda connection: plans.undeclared(connection, settings.plans))
    if told:
        print(f"crmkit: {told}", file=sys.stderr)


def _line(told: dict[str, Any]) -> str:
    """Return one line for what is told of something: its handle, and what is not empty."""
    from crmkit.render.text import value

    handle, *rest = told.items()
    return "  ".join([str(handle[1]), *(f"{name}={value(content)}" for name, content in rest if content != "")])


def _switch(options: argparse.Namespace, disabled: bool) -> int:
    from crmkit import boot
    from crmkit.core.people import operator
    from crmkit.storage.interface.lanes import mail_lane

    email = operator.address(options.email)
    unit = partial(operator.switch, email=email, disabled=disabled)
    done = boot.run(settings_of(options), unit, [mail_lane(email)])
    print(f"{email} {'is' if done.has_changed else 'was already'} {'disabled' if disabled else 'enabled'}")
    for workspace in done.orphaned:
        print(f"crmkit: workspace/{workspace} has no other admin", file=sys.stderr)
    return 0


def _plan(options: argparse.Namespace) -> int:
    from crmkit import boot
    from crmkit.core.people import operator

    settings, id = settings_of(options), operator.workspace_id(options.id)
    file = file_of(options)
    where = f"{file} declares" if file else "no settings file was read (--config names one), so there is"
    unit = partial(operator.change_plan, id=id, plan=options.plan, plans=settings.plans.named, where=where)
    done = boot.run(settings, unit, [id])
    print(f"workspace/{done.id} has the plan {done.plan} (before: {done.before})")
    for name, (used, cap) in done.beyond.items():
        print(f"crmkit: it holds {used} {name}, {cap} are allowed: no more can be made", file=sys.stderr)
    return 0
