"""What tests of text share: a contact, and the checks that a line is one and reads back."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from crmkit.model.record import Kind, Record
from crmkit.render import parse
from tests.kinds import ACTIVITY, AUDIT, CONTACT, KINDS
from tests.render.drawn import exactly

ALL_KINDS = [*KINDS, ACTIVITY, AUDIT]
_JOINED = re.compile(r"""(?<=[^\s\\"'\u200c\u200d])[\u200c\u200d](?=[^\s\\"'\u200c\u200d])""")
every_kind = pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: kind.name)


def examples(many: int) -> settings:
    return settings(max_examples=many, deadline=None, suppress_health_check=list(HealthCheck))


def contact(**values: Any) -> Record:
    whole = {
        **dict.fromkeys(CONTACT.by_name),
        "id": "c_k7m2q9xa",
        "name": "Jane",
        "version": 1,
        "created_at": "2026-06-10T09:00:00Z",
        "updated_at": "2026-06-10T09:00:00Z",
        "created_by": "me@example.com",
        "activities": 0,
        **values,
    }
    return CONTACT.record(handle="contact/c_k7m2q9xa", **whole)


def is_visible(line: str) -> bool:
    """Tell whether all of a line is seen, but for single joiners between two characters that are."""
    return _JOINED.sub("", line).isprintable()


def assert_one_visible_line(line: str) -> None:
    assert line.splitlines() == [line]
    assert is_visible(line)


def assert_reads_back(kind: Kind, line: str, shown: dict[str, Any]) -> None:
    assert_one_visible_line(line)
    assert exactly(parse.record(kind, line)) == exactly(shown)
