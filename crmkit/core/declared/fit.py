"""Whether the values that records have fit a type that is declared for them."""

from collections.abc import Sequence
from typing import Any

from crmkit.errors import Problem
from crmkit.model.declared.types import of_form
from crmkit.model.query.filters import CustomKey
from crmkit.model.record import Kind
from crmkit.render.text import value as spelled
from crmkit.storage.custom.misfits import SHOWN, Misfit

MAX_SHOWN = 60  # characters of a value


def check(kind: Kind, key: str, form: str, found: Sequence[Misfit]) -> None:
    """Raise `does_not_fit`, which names these records and their values, if there are any."""
    if not found:
        return
    name, says = CustomKey((key,)).name, of_form(form).says
    first = f"the first {SHOWN} are" if len(found) == SHOWN else "they are"
    raise Problem(
        "does_not_fit",
        f"Some {kind.plural} have another value in {name} than {says}; {first} named above. Change or clear those, "
        "or choose another type. Nothing was changed.",
        fields={kind.handle(id): f"has {name}={_cut(held)}" for id, held in found},
    )


def _cut(held: Any) -> str:
    shown = spelled(held)
    return shown if len(shown) <= MAX_SHOWN else shown[:MAX_SHOWN] + "…"
