"""Commands on the data of a server as a whole: `crmkit migrate`, `doctor`, `copy`."""

import argparse
import signal
import sys

from msgspec.structs import replace

from crmkit.cli.options import Commands, common, config, settings_of

MOST_GONE = 20  # traces of records that are told


def add(commands: Commands) -> None:
    """Declare the commands."""
    migrate = commands.add_parser("migrate", help="bring the database up to date (serve does it too)")
    common(migrate)
    migrate.add_argument("--dry-run", action="store_true", help="list what would be applied, and change nothing")
    migrate.set_defaults(run=_migrate)

    doctor = commands.add_parser("doctor", help="look at the installation and its data, and say what is wrong")
    common(doctor)
    doctor.add_argument("--mail", metavar="EMAIL", help="also send a test mail to this address")
    doctor.add_argument(
        "--repair", action="store_true", help="first put right what is kept beside records; no server may run"
    )
    doctor.set_defaults(run=_doctor)

    told = "copy all data to an empty place, like from a folder to another database, and compare it there"
    copy = commands.add_parser("copy", help=told, description=f"{told}. Stop both servers first.")
    place = "a folder or a URL as in [server] data"
    for name, dest, says in (
        ("--from", "source", "where the data is"),
        ("--to", "target", "where it goes, empty or new"),
    ):
        copy.add_argument(name, dest=dest, metavar="PLACE", type=_place, required=True, help=f"{says}: {place}")
    copy.add_argument(
        "--files", metavar="FOLDER", help="of the key and of what clients upload, beside a database (as [server] files)"
    )
    config(copy)
    copy.set_defaults(run=_copy, data=None)


def _place(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return text


def _migrate(options: argparse.Namespace) -> int:
    from crmkit import boot

    settings = settings_of(options)
    if options.dry_run:
        pending = boot.pending_migrations(settings)
        for name in pending.names:
            print(f"would apply {name}")
        if pending.kept is not None:
            print(f"would keep a copy as {pending.kept}")
        if not pending.names:
            print("the database is up to date")
        return 0
    for name in boot.migrate_now(settings):
        print(f"applied {name}")
    print("the database is up to date")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from crmkit import boot
    from crmkit.operate import doctor

    settings = settings_of(options)
    brand, good = boot.brand_of(settings), True
    if options.repair:
        repaired = doctor.repair(settings, brand, boot.KINDS)
        print(f"repaired: {repaired.wrong:,} counts and derived fields were wrong; the index of search was made anew")
        for told in repaired.gone[:MOST_GONE]:
            print(f"gone: {told}")
        if repaired.gone:
            print(f"records are gone that nobody deleted here ({len(repaired.gone):,} traces): compare a backup")
    for finding in doctor.examine(settings, brand, boot.KINDS, options.mail):
        print(finding.line, flush=True)
        good = good and finding.good
    return 0 if good else 1


def _copy(options: argparse.Namespace) -> int:
    from crmkit import boot
    from crmkit.clock import stamp, system_clock
    from crmkit.operate import copying

    settings = settings_of(options)

    def place(data: str) -> copying.Place:
        there = replace(settings, server=replace(settings.server, data=data))
        return copying.place_of(there, boot.brand_of(there))

    source, target = place(options.source), place(options.target)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is half written goes

    def note(told: str) -> None:
        print(f"crmkit: {told}", file=sys.stderr)

    tables = rows = 0
    for copied in copying.copy(source, target, boot.KINDS, stamp(system_clock()), note):
        print(copied.line, flush=True)
        tables, rows = tables + 1, rows + copied.rows
    print(f"copied {source.shown} to {target.shown}: {tables} tables, {rows} rows, all equal", flush=True)
    copying.index(target, boot.KINDS, stamp(system_clock()))
    print("the texts of search are indexed")
    return 0
