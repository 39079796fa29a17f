"""A text of characters that nobody sees is no text, in every field of every kind and form."""

import pytest

from crmkit.core.people.login import CODE_ENTRY
from crmkit.core.people.tokens.given import TOKEN
from crmkit.core.people.workspaces import WORKSPACE
from crmkit.errors import Problem
from crmkit.model.fields import Text
from crmkit.model.form import Field, Form
from tests.kinds import ACTIVITY, KINDS

FORMS: tuple[Form, ...] = (*KINDS, ACTIVITY, CODE_ENTRY, WORKSPACE, TOKEN)
FIELDS = [(form, field) for form in FORMS for field in form.writable.values() if isinstance(field.type, Text)]


@pytest.mark.parametrize(("form", "field"), FIELDS, ids=lambda part: part.name)
@pytest.mark.parametrize("text", [" ", "\u200b", "\u3164\ufe0f\n\u2800"], ids=ascii)
def test_a_text_that_nobody_sees_is_empty(form: Form, field: Field, text: str) -> None:
    if field.needs_value:
        with pytest.raises(Problem) as raised:
            form.draft({field.name: text})
        assert (raised.value.code, raised.value.fields) == ("missing_field", {field.name: "cannot be empty"})
    else:
        assert form.draft({field.name: text}) == {field.name: field.default}
