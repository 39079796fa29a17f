"""Commands on a whole installation in one file: `crmkit backup`, `restore`."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from crmkit.cli.options import Commands, common, settings_of

NICE = 10  # a backup computes when nobody else does


def add(commands: Commands) -> None:
    """Declare the commands."""
    told = "write all of the data to one file, also beside a running server"
    backup = commands.add_parser("backup", help=told, description=f"{told}; it is checked before it is there.")
    backup.add_argument("file", metavar="FILE", type=Path, help="the backup; one of that name is replaced")
    common(backup)
    backup.add_argument(
        "--keep", metavar="N", type=_positive, help="put the time into its name, and keep the newest N called like it"
    )
    backup.set_defaults(run=_backup)

    told = "put a backup in the place of the data, which is kept beside it"
    restore = commands.add_parser("restore", help=told, description=f"{told}. Stop the server first.")
    restore.add_argument("file", metavar="FILE", type=Path, help="what `crmkit backup` wrote")
    common(restore)
    restore.set_defaults(run=_restore)


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("it is a number from 1")
    return int(text)


def _backup(options: argparse.Namespace) -> int:
    from crmkit import boot

    settings = settings_of(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is half written goes
    os.nice(NICE)
    began = time.monotonic()
    made, removed = boot.back_up(settings, options.file, options.keep)
    for old in removed:
        print(f"removed {old}")
    print(f"wrote {made.file}: {made.size:,} bytes in {time.monotonic() - began:.1f} s")
    if made.lacks:
        print(f"crmkit: it lacks the key: {made.lacks}", file=sys.stderr)
    print(f"hash: {made.hash}")
    return 0


def _restore(options: argparse.Namespace) -> int:
    from crmkit import boot

    settings = settings_of(options)
    done = boot.restore(settings, options.file)
    made = f", made at {done.made_at}" if done.made_at else ""
    print(f"restored {options.file} into {settings.server.data}: {done.size:,} bytes{made}")
    if done.kept is not None:
        print(f"kept what was there as {done.kept}")
    if done.unnamed:
        told = f"{len(done.unnamed):,} files of imports that had not ended, which the restored data does not know"
        print(f"crmkit: the next start removes {told}: copy them from {done.unnamed[0].parent} first", file=sys.stderr)
    if done.is_older:
        print("crmkit: it is of an earlier crmkit: the next `crmkit serve` or `migrate` migrates it", file=sys.stderr)
    print(f"hash: {done.hash}")
    return 0
