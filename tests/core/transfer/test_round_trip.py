"""What is exported comes back: our import reads our own files, whatever the records hold."""

from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from crmkit.core.transfer.imports.options import importable
from crmkit.core.transfer.mapping import Body, Plan
from crmkit.files.opening import open_table
from crmkit.model.actor import Asker
from crmkit.model.fields import Link
from crmkit.model.record import Kind, Record
from crmkit.storage.transfer.imports import Options
from tests.kinds import REGISTRY
from tests.render.drawn import exactly, records_of
from tests.render.files.reading import rows_of, written
from tests.render.lines import examples

ASKER = Asker("me@example.com", UTC, now="2026-11-28T10:00:00Z")


def sent(kind: Kind, record: Record) -> dict[str, Any]:
    """Return what a POST would write to make the record, but for its links, which are looked up."""
    values = {name: getattr(record, name) for name, field in kind.taken.items() if name in kind.by_name}
    return {name: value for name, value in values.items() if value is not None and not is_link(kind, name)}


def is_link(kind: Kind, name: str) -> bool:
    return isinstance(kind.by_name[name].type, Link)


def read(kind: Kind, file: Path) -> list[dict[str, Any]]:
    plan = Plan.of(open_table(file), REGISTRY, Options(kind.plural), ASKER)
    bodies = [plan.body(row) for row in open_table(file).rows()]
    assert [body for body in bodies if not isinstance(body, Body)] == []
    return [kind.draft(body.values, ASKER) for body in bodies if isinstance(body, Body)]


@pytest.mark.parametrize("format", ["csv", "xlsx"])
@pytest.mark.parametrize("kind", importable(REGISTRY), ids=lambda kind: kind.name)
def test_an_export_of_any_kind_is_read_as_the_records_that_were_there(kind: Kind, format: str, tmp_path: Path) -> None:
    @settings(examples(15), phases=[Phase.generate])
    @given(st.lists(records_of(kind), min_size=1, max_size=3), st.booleans())
    def holds(found: list[Record], bom: bool) -> None:
        assume("\\u0000" not in exactly([msgspec.to_builtins(record) for record in found]))  # which no body may have
        file = tmp_path / "file"
        file.write_bytes(written(format, kind, rows_of(found, kind.names[1:]), bom=bom))
        for record, values in zip(found, read(kind, file), strict=True):
            got = {name: value for name, value in values.items() if not is_link(kind, name)}
            assert got == sent(kind, record)
            # a sheet has no whole numbers beside others
            assert format == "xlsx" or exactly(got) == exactly(sent(kind, record))

    holds()
