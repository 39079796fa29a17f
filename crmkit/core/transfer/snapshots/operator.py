"""What `crmkit workspace export` and `import` do, for the operator who holds the data."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

from crmkit import ids
from crmkit.core.transfer.snapshots import leave
from crmkit.core.transfer.snapshots.archive import Invalid, Manifest, opened
from crmkit.core.transfer.snapshots.arrive import Run, arrive
from crmkit.model.record import Kinds
from crmkit.storage.interface.connection import Connection
from crmkit.storage.log.chain import Chain
from crmkit.storage.transfer.snapshots.arriving import Refused
from crmkit.storage.workspaces import lookup

T = TypeVar("T")


class Read(Protocol):
    """A function that returns `work(connection)`, all of whose statements see one moment."""

    def __call__(self, work: Callable[[Connection], T]) -> T: ...


def export(read: Read, kinds: Kinds, now: str, id: str, file: Path) -> Manifest:
    """Write the archive of the workspace with this id to a file, and return what it holds.

    The file is there once it is whole and was read back, in place of one of that name. Raises ValueError.
    """
    bare = ids.parse(id, "ws", kinds.prefixes)
    part = file.with_name(f"{file.name}.part")

    def written(connection: Connection) -> None:
        workspace = lookup.find(connection, bare)
        if workspace is None:
            raise ValueError(f"there is no workspace {bare} in this data")
        with _writing(file):
            part.unlink(missing_ok=True)  # a file that is there has a mode of its own, and may be a link
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as sink:
                for piece in leave.pieces(connection, kinds, now, workspace):
                    sink.write(piece)
                sink.flush()
                os.fsync(sink.fileno())

    try:
        read(written)
        with _writing(file), opened(part) as reader:
            part.replace(file)
            return reader.manifest
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    """Run a block that writes a file; its OSError becomes ValueError, which names the file."""
    try:
        yield
    except OSError as error:
        raise ValueError(f"{file} cannot be written: {error.strerror or error}") from None


def import_(
    runs: Callable[[], AbstractContextManager[tuple[Run, bytes]]], kinds: Kinds, plan: str, file: Path
) -> Manifest:
    """Write a workspace as its archive has it, under this plan, and return what that holds.

    The data is opened by `runs`, which has its secret too, once the file was checked. Raises ValueError, which says why
    nothing was imported.
    """
    try:
        file.open("rb").close()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror or error}") from None
    try:
        with opened(file) as reader, runs() as (run, key):
            arrive(reader, run, kinds, Chain(key), plan)
            return reader.manifest
    except (Invalid, Refused) as error:
        raise ValueError(f"{file} was not imported: {error}") from None
