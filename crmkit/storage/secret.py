"""The server's key: 32 random bytes beside the database, mode 0600. It seals codes, cursors and the audit log."""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from crmkit.storage.data_folder import why_not

FILE = "secret.key"
# the key of a backup that is restored. It counts once the other file is gone, which becomes the database by one rename
RESTORING = f"{FILE}.restoring"
RESTORING_DATABASE = "crmkit.db.restoring"
SIZE = 32
LOST = (
    "put back a copy of it (each backup carries one: `crmkit restore`). A start without it makes a new key: then open "
    "sign-in codes and cursors die, and `crmkit audit verify` can no longer tell who changed what was logged before "
    "(`crmkit audit renew` then seals the log anew)"
)


def read_or_make(folder: Path) -> bytes:
    """Return the key, made at the first start; the file's mode is set to 0600 at every start.

    Of processes that start at once one makes it. Raises ValueError when the file is there and is no key.
    """
    file = place(folder)
    if not file.exists():
        _make(file)
    file.chmod(0o600)
    return read(folder)


def _make(file: Path) -> None:
    """Make a key, unless another process that starts in this moment has made one."""
    part = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_hex(SIZE) + "\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(part, file)
        except FileExistsError:
            pass
        except OSError:  # a disk that knows no links
            part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def fingerprint(folder: Path) -> str:
    """Return what names the key and does not tell it; empty where there is none."""
    try:
        return hashlib.sha256(b"fingerprint" + read(folder)).hexdigest()[:16]
    except ValueError:
        return ""


def place(folder: Path) -> Path:
    """Return the file that the key is in, or belongs in; also where a restore died once its database was there."""
    restored = folder / RESTORING
    is_restored = restored.exists() and not (folder / RESTORING_DATABASE).exists()
    return restored if is_restored else folder / FILE


def text(folder: Path) -> str:
    """Return the text of the file that the key is in; empty where there is none."""
    with suppress(FileNotFoundError):
        return place(folder).read_text(encoding="ascii", errors="replace")
    return ""


def fault(folder: Path) -> str:
    """Return why the key cannot be read, and what to do; empty where it can."""
    try:
        read(folder)
    except ValueError as error:
        return str(error)
    except OSError as error:
        return why_not(folder, error)
    return ""


def read(folder: Path) -> bytes:
    """Return the key; raises ValueError when there is none."""
    file = place(folder)
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (ValueError, FileNotFoundError):
        key = b""
    if len(key) != SIZE:
        raise ValueError(f"{file} {'is no key' if file.exists() else 'is missing'}: {LOST}")
    return key
