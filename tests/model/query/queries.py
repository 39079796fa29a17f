"""How tests of queries ask: pairs in, a query, one of its conditions, or the problem."""

import pytest

from crmkit.errors import Problem
from crmkit.model.actor import Asker
from crmkit.model.query.filters import Condition
from crmkit.model.query.parse import Query, parse
from crmkit.model.record import Kind
from tests.kinds import ACTIVITY, AUDIT, CONTACT, KINDS

every_kind = pytest.mark.parametrize("kind", [*KINDS, ACTIVITY, AUDIT], ids=lambda kind: kind.name)

NOW = "2026-06-10T09:00:00Z"
ID = "c_aaaaaaaa"
COMPANY_ID = "co_aaaaaaaa"


def query(*pairs: tuple[str, str], kind: Kind = CONTACT) -> Query:
    return parse(kind, pairs, Asker(now=NOW))


def condition(name: str, text: str) -> Condition:
    (found,) = query((name, text)).conditions
    return found


def told(*pairs: tuple[str, str], kind: Kind = CONTACT) -> Problem:
    with pytest.raises(Problem) as caught:
        parse(kind, pairs, Asker(now=NOW))
    assert caught.value.status == 400
    return caught.value
