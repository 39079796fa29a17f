"""Every type of field reads from a cell what it writes into one."""

import pytest

from crmkit.model.fields import Custom, Link
from crmkit.model.form import Field
from crmkit.model.record import Kind
from crmkit.model.sheets.habits import Habits
from crmkit.render.files.cells import cell_of
from tests.kinds import ACTIVITY, KINDS
from tests.storage.samples import samples_of

FIELDS = [
    pytest.param(kind, field, id=f"{kind.name}.{field.name}")
    for kind in (*KINDS, ACTIVITY)
    for field in kind.writable.values()
    if not isinstance(field.type, Custom | Link)
]


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_a_cell_of_each_field_is_read_back(kind: Kind, field: Field) -> None:
    write, tried = cell_of(field.type, True), 0
    for sent in samples_of(kind, field).values(field.type):
        value = field.type.accept(sent)
        if value is not None:
            text = str(value if write is None else write(value))
            read, rest = field.type.from_cell(text.strip(), Habits())
            assert (field.type.accept(read), rest) == (value, "")
            tried += 1
    assert tried


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_no_cell_is_too_odd_to_be_read_or_refused(kind: Kind, field: Field) -> None:
    for text in (
        "-",
        "(",
        "0",
        "1e999",
        "a@b@c",
        "[",
        '"',
        "3/4/2026 25:61",
        ":::",
        "\u202a",
        "€",
        "x" * 20_000,
        "1" * 400,
    ):
        try:
            value, rest = field.type.from_cell(text, Habits())
        except ValueError:
            continue
        assert isinstance(rest, str)
        assert value is not None or rest or field.type.structured
