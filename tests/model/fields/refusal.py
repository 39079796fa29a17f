"""What a type says of a value that it does not take."""

from typing import Any

import pytest

from crmkit.model.fields import FieldType, Invalid


def refusal(type_: FieldType, raw: Any) -> str:
    with pytest.raises(Invalid) as caught:
        type_.accept(raw)
    return str(caught.value)
