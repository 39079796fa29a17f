"""Which of the files that clients sent are still needed."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from crmkit.storage.interface.connection import Connection
from crmkit.storage.transfer import imports, uploads


def names(connection: Connection, workspace_id: str | None = None) -> set[str]:
    """Return the names of the files that rows of the database name: all, or those of one workspace."""
    return imports.files(connection, workspace_id)


@contextmanager
def opened(folder: Path, names: Iterable[str]) -> Iterator[dict[str, BufferedReader]]:
    """Yield those with these names that are there: once they are open, they can be read though they go."""
    with ExitStack() as stack:
        found = {}
        for name in sorted(names):
            with suppress(FileNotFoundError):
                found[name] = stack.enter_context((folder / uploads.FOLDER / name).open("rb"))
        yield found
