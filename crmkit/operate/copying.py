"""All that one database holds, copied into an empty one of whatever brand, and compared there."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from msgspec import Struct

from crmkit.core.examining import kept as derived
from crmkit.model.record import Kinds
from crmkit.settings import Settings
from crmkit.storage import secret
from crmkit.storage.data_folder import usable
from crmkit.storage.growing import flush, written
from crmkit.storage.interface.brand import Brand
from crmkit.storage.interface.database import InUse, Unusable
from crmkit.storage.interface.tx import Tx
from crmkit.storage.transfer import kept, uploads
from crmkit.storage.whole.contents import Source, Table, Target, first_filled, ordered
from crmkit.storage.whole.hashes import Hash, hash_of

PIECE = 1 << 20  # bytes of a file that are copied at a time


class Place(Struct, frozen=True):
    """Where data is: its brand, the folder of what is no row, and how it is shown, which is without a password."""

    brand: Brand
    folder: Path
    shown: str


class Copied(Struct, frozen=True):
    """A table that was copied: its rows and their hash, and whether the target holds the same."""

    table: str
    rows: int
    hash: str
    is_equal: bool

    @property
    def line(self) -> str:
        return f"{self.table}  {self.rows} rows  {self.hash}  {'equal' if self.is_equal else 'NOT EQUAL'}"


def place_of(settings: Settings, brand: Brand) -> Place:
    """Return the place that these settings name."""
    return Place(brand, settings.server.folder, settings.server.shown)


def copy(source: Place, target: Place, kinds: Kinds, now: str, note: Callable[[str], None]) -> Iterator[Copied]:
    """Copy all rows, yielding each table once it is compared, then the key and the files that clients sent.

    `note` is told, before that, what the operator is to know.
    Until all is there, nothing is: what fails can be begun again. The texts of search are queued, for `index`.
    Raises Unusable, Newer and InUse, which say why nothing was copied.
    """
    if source.brand.pending(source.folder).names:
        raise Unusable(f"{source.shown} does not have the schema of this crmkit: run `crmkit migrate` on it first")
    for told in _notes(source):
        note(told)
    key = _key_for(source, target)
    with (
        source.brand.whole(source.folder) as here,
        kept.opened(source.folder, kept.names(here.connection)) as files,
        usable(target.folder),
        _taken_back() as made,
        target.brand.filled(target.folder) as there,
    ):
        tables, unequal = ordered(here.tables()), list[str]()
        _check(target, there, tables)
        for table in tables:
            copied = _copied(table, here, there)
            unequal += [] if copied.is_equal else [table.name]
            yield copied
        if unequal:
            raise Unusable(
                f"{target.shown} does not hold the same in {', '.join(unequal)}, so nothing was kept there: this is a "
                "fault of crmkit, please report it"
            )
        for kind in kinds.searched:
            derived.rebuild(Tx(there.connection, now), kind)
        there.finish(here.numbered())
        if not _is_shared(source, target):
            _put(target.folder, files, key, made)


def index(target: Place, kinds: Kinds, now: str) -> None:
    """Index the texts of search; a server that runs already does it by itself."""
    with suppress(InUse), target.brand.alone(target.folder) as run:
        for kind in kinds.searched:
            derived.index(run, kind, now)


def _notes(source: Place) -> Iterator[str]:
    if source.brand.is_served(source.folder):
        yield f"a server runs on {source.shown}: what it writes from now on is not copied"
    if not secret.text(source.folder):
        yield f"{secret.place(source.folder)} is missing: {secret.LOST}"


def _key_for(source: Place, target: Place) -> str:
    """Return the key that the target is to get, empty where it has it or there is none; raises Unusable."""
    key, other = secret.text(source.folder), secret.text(target.folder)
    if key and other and other != key:
        raise Unusable(
            f"{secret.place(target.folder)} is the key of another server, which is not replaced: name a folder without "
            "one"
        )
    return "" if other else key


def _is_shared(source: Place, target: Place) -> bool:
    return target.folder.exists() and source.folder.exists() and target.folder.samefile(source.folder)


def _check(target: Place, there: Target, tables: list[Table]) -> None:
    """Raise Unusable for a target that holds something, or whose tables are others."""
    if {*there.tables()} != {*tables}:
        raise Unusable(f"the tables of {target.shown} are others than those of this crmkit: name an empty database")
    found = first_filled(there.connection, tables)
    if found:
        raise Unusable(
            f"{target.shown} holds data already (rows of {found}), and a copy needs an empty place: name another, or "
            "drop this one and make it anew"
        )


def _copied(table: Table, here: Source, there: Target) -> Copied:
    hashed = Hash(table)
    there.insert(table, hashed.of(here.rows(table)))
    found = hash_of(table, there.rows(table))
    return Copied(table.name, hashed.rows, hashed.text, (found.rows, found.text) == (hashed.rows, hashed.text))


@contextmanager
def _taken_back() -> Iterator[list[Path]]:
    """Yield a list of files that are removed again if the block fails."""
    made = list[Path]()
    try:
        yield made
    except BaseException:
        for file in made:
            file.unlink(missing_ok=True)
        raise


def _put(folder: Path, files: dict[str, BufferedReader], key: str, made: list[Path]) -> None:
    """Write the files that clients sent, and the key."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if files:
        (folder / uploads.FOLDER).mkdir(mode=0o700, exist_ok=True)
    found = {folder / uploads.FOLDER / name: _pieces(file) for name, file in files.items()}
    if key:
        found[folder / secret.FILE] = [key.encode()]
    for file, pieces in found.items():
        made.append(file)
        written(file, pieces)
    for parent in {file.parent for file in found}:
        flush(parent)


def _pieces(file: BufferedReader) -> Iterable[bytes]:
    while piece := file.read(PIECE):
        yield piece
