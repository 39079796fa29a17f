"""What reads columns that tell whether something has ended, or when: `IsWon`, `Completed`, `Date closed`."""

from typing import TYPE_CHECKING, Any

from crmkit.core.transfer.mapping.filling import CLOSED, Filling
from crmkit.model.fields import Invalid
from crmkit.model.form import Field
from crmkit.model.sheets import words

if TYPE_CHECKING:
    from crmkit.core.transfer.mapping.reading import MappedColumn, Read, Sheet


def answering(column: "MappedColumn") -> "Read":
    """Return what reads yes and no, which say whether a status is what the column means."""
    word, title = column.target.means, column.title

    def read(cell: Any, filling: Filling) -> None:
        flag = _flag(cell)
        if flag is None:
            filling.keep(title, cell)
        else:
            filling.answers.setdefault(word, flag)

    return read


def timed(read: "Read", column: "MappedColumn", name: str) -> "Read":
    """Return what reads when something ended with `read`; a yes or a no says whether it has."""

    def either(cell: Any, filling: Filling) -> None:
        flag = _flag(cell)
        if flag is not None:
            filling.answers.setdefault(CLOSED, flag)
            return
        read(cell, filling)
        if name in filling.values:
            filling.past.setdefault(name, (column.title, cell))

    return either


def dated(read: "Read", column: "MappedColumn", sheet: "Sheet", name: str, at: Field) -> "Read":
    """Return what reads whether something is done with `read`; a cell may say when instead, for the field `at`."""

    def either(cell: Any, filling: Filling) -> None:
        text = sheet.text(cell) if isinstance(cell, str) else ""
        if not text or words.flag(text) is not None:
            read(cell, filling)
            return
        try:
            value, _ = at.type.from_cell(text, sheet.habits)
        except Invalid as error:  # it may be several days
            filling.faults[at.name] = str(error)
            return
        try:
            at.type.accept(at.type.meant(value, sheet.habits.asker))
        except Invalid:
            read(cell, filling)
            return
        filling.values.setdefault(name, True)
        filling.values.setdefault(at.name, value)
        filling.past.setdefault(at.name, (column.title, cell))

    return either


def _flag(cell: Any) -> bool | None:
    """Return what a cell answers, None if it is neither yes nor no."""
    if isinstance(cell, str):
        return words.flag(cell)
    return bool(cell) if isinstance(cell, int) and cell in (0, 1) else None
