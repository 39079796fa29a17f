"""A file as rows, and its mapping to the fields of a kind."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.transfer.imports.open_files import gone
from crmkit.files.table import Table
from crmkit.model.actor import Asker
from crmkit.model.record import Kind
from crmkit.storage.custom import indexes
from crmkit.storage.transfer.imports import Column, Import, Mode, Options

if TYPE_CHECKING:
    from crmkit.core.transfer.mapping import Plan


class SentFile(Struct, frozen=True):
    """A file where it is kept, by the name and the type that its sender gave it."""

    path: Path
    name: str
    content_type: str

    @classmethod
    def of(cls, crm: Crm, found: Import) -> "SentFile":
        """Return the file of an import."""
        return cls(crm.uploads.path(found.file), found.name, found.content_type)


class Source(Struct, frozen=True):
    """A file that is read by its mapping."""

    table: Table
    plan: "Plan"
    kind: Kind
    options: Options

    @property
    def mode(self) -> Mode:
        return self.options.mode

    @property
    def columns(self) -> list[Column]:
        return [Column(each.number, each.title, each.field) for each in self.plan.columns]


async def opened(call: Call, file: SentFile, options: Options, asker: Asker, kept: Any = None) -> Source:
    """Return the file with its mapping; raises `invalid_file`, and what is wrong with the options.

    `kept` is what the mapping keeps of an earlier reading of the whole file.
    """
    kinds = call.crm.kinds
    kind = kinds.by_word[options.kind]
    declared = await call.read(indexes.declared, call.actor.workspace_id, kind.name)

    def work() -> Source:
        from crmkit.core.transfer.mapping import Plan  # 10 ms, which a start needs not
        from crmkit.files.opening import open_table

        try:
            table = open_table(file.path, name=file.name, content_type=file.content_type)
        except FileNotFoundError:
            raise gone() from None
        plan = Plan.of(table, kinds, options, asker, declared, kept)
        return Source(table, plan, kind, options)

    return await asyncio.to_thread(work)
