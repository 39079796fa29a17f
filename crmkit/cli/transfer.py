"""Commands on files that go in and out: `crmkit import`, `workspace export` and `workspace import`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from crmkit.cli.options import Commands, common, settings_of
from crmkit.settings import FACES

if TYPE_CHECKING:
    from crmkit.core.transfer.snapshots.archive import Manifest


def add(commands: Commands) -> None:
    """Declare the commands."""
    sending = commands.add_parser(
        "import",
        help="import a file: CSV, XLSX, vCard, JSON; or all of another service",
        description="Send a file to the server that CRMKIT_URL names, with the token CRMKIT_TOKEN, and import it.",
    )
    sending.add_argument("file", metavar="FILE", help="CSV, XLSX, vCard, JSON or JSON lines; with --from, a URL")
    sending.add_argument(
        "--from",
        dest="service",
        choices=FACES,
        help="read all leads of this service at the URL, with the key in CRMKIT_FROM_KEY, or typed",
    )
    sending.add_argument("--allow-private", action="store_true", help="the URL may be one of your own network, or http")
    sending.add_argument("--kind", help="what its rows are (default contacts)")
    sending.add_argument(
        "--map", action="append", default=[], metavar="COLUMN=FIELD", help="where a column goes; COLUMN= leaves it out"
    )
    sending.add_argument("--mode", help="merge (default), create or update")
    sending.add_argument("--dry-run", action="store_true", help="show the plan, and leave nothing behind")
    sending.add_argument("--yes", action="store_true", help="run it without asking")
    sending.set_defaults(run=_import)

    workspace = commands.add_parser("workspace", help="move a workspace to another server")
    _add_workspace(workspace.add_subparsers(title="commands", metavar="COMMAND", required=True))


def _add_workspace(commands: Commands) -> None:
    export = commands.add_parser("export", help="write a workspace with all that belongs to it to one file")
    export.add_argument("id", metavar="WS", help="id of the workspace, like ws_k7m2q9xa")
    export.set_defaults(run=_export_workspace)

    told = "bring a workspace in from the file that export wrote"
    slows = "Beside a running server it makes the writes of others wait: stop the server first for a large one."
    import_ = commands.add_parser("import", help=told, description=f"{told}. {slows}")
    import_.set_defaults(run=_import_workspace)
    for command in (export, import_):
        command.add_argument("file", metavar="FILE", type=Path, help="the archive, a ZIP file")
        common(command)


def _import(options: argparse.Namespace) -> int:
    if options.service:
        return _import_service(options)
    if options.allow_private:
        raise ValueError("--allow-private is for a URL, with --from")
    from crmkit.operate import sending

    arguments = (options.file, options.kind, options.mode, options.map, options.dry_run, options.yes)
    return sending.main(*arguments)


def _import_service(options: argparse.Namespace) -> int:
    if options.kind or options.map or options.mode:
        raise ValueError("--from takes no --kind, --map or --mode: leads become contacts, and merge into those there")
    from crmkit.operate.moving import run

    return run.main(options.service, options.file, options.allow_private, options.dry_run, options.yes)


def _export_workspace(options: argparse.Namespace) -> int:
    from crmkit import boot

    _tell_moved("exported", boot.export_workspace(settings_of(options), options.id, options.file))
    return 0


def _import_workspace(options: argparse.Namespace) -> int:
    from crmkit import boot

    _tell_moved("imported", boot.import_workspace(settings_of(options), options.file))
    return 0


def _tell_moved(did: str, manifest: "Manifest") -> None:
    members = next(file.rows for file in manifest.files if file.name == "members")
    people = "1 member" if members == 1 else f"{members} members"
    print(f"{did} workspace/{manifest.id}: {manifest.rows} rows, {people}")
    print(f"hash: {manifest.hash}")
