"""The program: `crmkit serve`, `import`, `migrate`, `token`, `doctor`, `workspace`, `version`; alone it prints help."""

import argparse
import gc
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crmkit import __version__
from crmkit.announcement import YOU
from crmkit.settings import Settings, SettingsError, unknown_names

if TYPE_CHECKING:
    from crmkit.core.transfer.snapshots.archive import Manifest

CONFIG = "crmkit.toml"
VERSION = f"crmkit {__version__}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; whatever stops it is one line on standard error."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run is None:
        parser.print_help()
        return 0
    try:
        status: int = options.run(options)
    except KeyboardInterrupt:
        return 130
    except _expected() as error:
        print(f"crmkit: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="crmkit", description="A headless, plain-text CRM that an AI agent operates.")
    parser.add_argument("--version", action="version", version=VERSION, help="print the version")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve the API", description="Serve the API until SIGTERM or Ctrl-C.")
    _common(serve)
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default 8000; 0 takes a free one)")
    serve.add_argument(
        "--local", action="store_true", default=None, help="show sign-in codes in responses; loopback only"
    )
    serve.set_defaults(run=_serve)

    migrate = commands.add_parser("migrate", help="bring the database up to date (serve does it too)")
    _common(migrate)
    migrate.set_defaults(run=_migrate)

    token = commands.add_parser("token", help="print a fresh token, for the operator who holds the data folder")
    _common(token)
    token.add_argument("--email", required=True, help="whose token; a new address gets an account")
    token.add_argument("--name", default="operator", help="what the token is called in GET /tokens (default operator)")
    token.set_defaults(run=_token)

    doctor = commands.add_parser("doctor", help="look at the installation and its data, and say what is wrong")
    _common(doctor)
    doctor.add_argument("--mail", metavar="EMAIL", help="also send a test mail to this address")
    doctor.set_defaults(run=_doctor)

    sending = commands.add_parser(
        "import",
        help="import a file: CSV, XLSX, vCard, JSON",
        description="Send a file to the server that CRMKIT_URL names, with the token CRMKIT_TOKEN, and import it.",
    )
    sending.add_argument("file", metavar="FILE", help="CSV, XLSX, vCard, JSON or JSON lines")
    sending.add_argument("--kind", help="what its rows are (default contacts)")
    sending.add_argument(
        "--map", action="append", default=[], metavar="COLUMN=FIELD", help="where a column goes; COLUMN= leaves it out"
    )
    sending.add_argument("--mode", help="merge (default), create or update")
    sending.add_argument("--dry-run", action="store_true", help="show the plan, and leave nothing behind")
    sending.add_argument("--yes", action="store_true", help="run it without asking")
    sending.set_defaults(run=_import)

    _workspace_commands(commands.add_parser("workspace", help="move a workspace to another server"))

    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    return parser


def _workspace_commands(workspace: argparse.ArgumentParser) -> None:
    commands = workspace.add_subparsers(title="commands", metavar="COMMAND", required=True)

    export = commands.add_parser("export", help="write a workspace with all that belongs to it to one file")
    export.add_argument("id", metavar="WS", help="id of the workspace, like ws_k7m2q9xa")
    export.set_defaults(run=_export_workspace)

    told = "bring a workspace in from the file that export wrote"
    slows = "Beside a running server it makes the writes of others wait: stop the server first for a large one."
    import_ = commands.add_parser("import", help=told, description=f"{told}. {slows}")
    import_.set_defaults(run=_import_workspace)
    for command in (export, import_):
        command.add_argument("file", metavar="FILE", type=Path, help="the archive, a ZIP file")
        _common(command)


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", help=f"settings file (default $CRMKIT_CONFIG, or ./{CONFIG} if it is there)")
    command.add_argument("--data", help="folder of the database (default data)")


def _file(options: argparse.Namespace) -> Path | None:
    """Return the settings file that is named, else the one in this folder, if there is one."""
    named = options.config or os.environ.get("CRMKIT_CONFIG")
    if named:
        return Path(named)
    return Path(CONFIG) if Path(CONFIG).exists() else None


def _settings(options: argparse.Namespace) -> Settings:
    from crmkit import boot

    flags = {
        ("server", "host"): getattr(options, "host", None),
        ("server", "port"): getattr(options, "port", None),
        ("server", "data"): options.data,
        ("auth", "local"): getattr(options, "local", None),
    }
    for line in unknown_names(os.environ):
        print(f"crmkit: {line}", file=sys.stderr)
    return boot.load_settings(
        _file(options),
        os.environ,
        {name: value for name, value in flags.items() if value is not None},
    )


def _serve(options: argparse.Namespace) -> int:
    gc.disable()  # nearly all that a start makes stays; `boot.serve` turns it on again
    from crmkit import boot  # imported late: `version` and `--help` need no web server

    settings = _settings(options)
    boot.serve(settings, _token_command(options, settings))
    return 0


def _token_command(options: argparse.Namespace, settings: Settings) -> str:
    """Return what the operator types in another terminal, in whatever folder, for a token of this data."""
    program = Path(sys.argv[0])
    found = shutil.which(program.name)
    if program.name == "__main__.py":
        command = [sys.executable, "-m", "crmkit"]
    elif found and Path(found).resolve() == program.resolve():
        command = [program.name]
    else:
        command = [os.path.abspath(program)]
    file = _file(options)
    config = ["--config", os.path.abspath(file)] if file else []
    return shlex.join([*command, "token", "--email", YOU, *config, "--data", os.path.abspath(settings.server.data)])


def _migrate(options: argparse.Namespace) -> int:
    from crmkit import boot

    for name in boot.migrate_now(_settings(options)):
        print(f"applied {name}")
    print("the database is up to date")
    return 0


def _token(options: argparse.Namespace) -> int:
    from crmkit import boot
    from crmkit.core.people import notes

    signed_in = boot.operator_token(_settings(options), options.email, options.name)
    for note in notes.of_sign_in(signed_in):
        print(f"crmkit: {note}", file=sys.stderr)
    print(signed_in.token)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from crmkit import boot, doctor

    settings = _settings(options)
    good = True
    for finding in doctor.examine(settings, boot.brand_of(settings), options.mail):
        print(finding.line, flush=True)
        good = good and finding.good
    return 0 if good else 1


def _import(options: argparse.Namespace) -> int:
    from crmkit import sending

    arguments = (options.file, options.kind, options.mode, options.map, options.dry_run, options.yes)
    return sending.main(*arguments)


def _export_workspace(options: argparse.Namespace) -> int:
    from crmkit import boot

    _tell_moved("exported", boot.export_workspace(_settings(options), options.id, options.file))
    return 0


def _import_workspace(options: argparse.Namespace) -> int:
    from crmkit import boot

    _tell_moved("imported", boot.import_workspace(_settings(options), options.file))
    return 0


def _tell_moved(did: str, manifest: "Manifest") -> None:
    members = next(file.rows for file in manifest.files if file.name == "members")
    people = "1 member" if members == 1 else f"{members} members"
    print(f"{did} workspace/{manifest.id}: {manifest.rows} rows, {people}")
    print(f"hash: {manifest.hash}")


def _version(_: argparse.Namespace) -> int:
    print(VERSION)
    return 0


def _expected() -> tuple[type[Exception], ...]:
    from crmkit.storage.interface.database import InUse, Newer, Unusable

    return (SettingsError, InUse, Newer, Unusable, ValueError, OSError)
