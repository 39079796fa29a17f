"""A kind that the product does not have, in full: its declaration, its table, and a server that has it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

from crmkit.model.fields import Choice, Custom, Email, Identifier, Link, LongText, Tags, Text, Time
from crmkit.model.form import DETAIL, READ, REQUIRED, SEARCHED, TITLE, Default, NameOf
from crmkit.model.record import Alike, Followed, index, kind_of, partial, unique
from crmkit.records import DECLARED, kinds_of
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE, prepare
from crmkit.storage.sqlite.migrations.migration import index as created
from crmkit.storage.sqlite.migrations.migration import logged, searchable, table
from tests.house import House
from tests.teams.office import office


class Asset(Followed, frozen=True):
    """Something that is owned."""

    title: Annotated[str, Text(200), REQUIRED, TITLE, "what it is about"]
    mailbox: Annotated[str | None, Email(), SEARCHED, "at most one live asset has it"]
    code: Annotated[str | None, Text(60), "at most one live asset has it, whatever case"]
    source_id: Annotated[str | None, Identifier(200), "at most one live asset has it; its case counts"]
    status: Annotated[str, Choice(("open", "closed")), Default("open"), "open unless sent"]
    group: Annotated[str | None, Text(200), "who keeps it; a word of SQL"]
    contact_id: Annotated[str | None, Link("c"), "who has it"]
    contact_name: Annotated[str | None, Text(200), NameOf("contact_id"), READ, SEARCHED, "name of that contact"]
    tags: Annotated[list[str] | None, Tags(), SEARCHED, "replaced whole"]
    notes: Annotated[str | None, LongText(20_000), SEARCHED, DETAIL, "anything worth keeping"]
    custom: Annotated[dict[str, Any] | None, Custom(), "keys of your own"]
    follow_up_at: Annotated[str | None, Time(), "when to get back to it"]
    follow_up_note: Annotated[str | None, Text(1_000), "what for"]


ASSET = kind_of(
    Asset,
    name="asset",
    plural="assets",
    prefix="as",
    indexes=(
        unique("mailbox"),
        unique("code"),
        unique("source_id"),
        index("updated_at"),
        index("created_at"),
        index("title"),
        index("status", "updated_at"),
        partial("contact_id", "updated_at"),
        partial("follow_up_at"),
    ),
    shares_activities=("contact_id",),
    alike=(Alike(("title", "group"), open="status"),),
    is_mergeable=True,
)
KINDS = kinds_of((*DECLARED, ASSET))

COLUMNS = (
    *("title TEXT NOT NULL", "title_key TEXT NOT NULL", "mailbox TEXT", "code TEXT"),
    *("code_key TEXT", "source_id TEXT", "status TEXT NOT NULL", "status_key INTEGER NOT NULL"),
    *('"group" TEXT', "group_key TEXT", "contact_id TEXT", "contact_name TEXT", "contact_name_key TEXT"),
    *("title_plain TEXT", "group_plain TEXT", "tags TEXT", "tags_key TEXT", "notes TEXT", "custom TEXT"),
    *("follow_up_at TEXT", "follow_up_note TEXT", "follow_up_note_key TEXT"),
)
STATEMENTS = (
    table("assets", COLUMNS, {"contact_id": "contacts"}),
    created("assets", "mailbox", is_unique=True),
    created("assets", "code_key", is_unique=True),
    created("assets", "source_id", is_unique=True),
    created("assets", "updated_at"),
    created("assets", "created_at"),
    created("assets", "title_key"),
    created("assets", "title_plain", is_partial=True),
    created("assets", "status_key", "updated_at"),
    created("assets", "contact_id", "updated_at", is_partial=True),
    created("assets", "follow_up_at", is_partial=True),
    *searchable("assets"),
    *logged("asset"),
)


@contextmanager
def with_assets(folder: Path, file: Path | None = None) -> Iterator[House]:
    """Run a server of the product with assets until the block ends."""
    prepare(folder)
    migrate.run(folder / FILE, connect)
    with closing(connect(folder / FILE, True)) as connection:
        for statement in STATEMENTS:
            connection.execute(statement)
    with office(folder, file=file, kinds=KINDS) as running:
        yield running
