"""What a token may do, as a value: which scopes it opens, and which access is within another."""

import pytest

from crmkit.errors import Problem
from crmkit.model.access import AREAS, FULL_ACCESS, GUARDED, NEVER, VERBS, WORDS, Access, scopes_of
from tests.kinds import REGISTRY

PLURALS = [kind.plural for kind in (*REGISTRY.records, REGISTRY.activity, REGISTRY.audit)]
ALL = [f"{area}.{verb}" for area in (*PLURALS, *AREAS) for verb in VERBS]


def opened(words: str) -> set[str]:
    return {scope for scope in ALL if Access(words).allows(scope)}


def test_each_word_opens_what_it_says() -> None:
    reads = {scope for scope in ALL if scope.endswith(".read")}
    writes = {f"{area}.write" for area in (*PLURALS, *AREAS) if area not in GUARDED}
    assert opened("full") == opened("*") == set(ALL)
    assert opened("read") == opened("propose") == opened("*.read") == reads
    assert opened("write") == reads | writes
    assert opened("*.delete") == {scope for scope in ALL if scope.endswith(".delete")}


def test_scopes_open_themselves_alone() -> None:
    assert opened("contacts.read deals.write") == {"contacts.read", "deals.write"}
    assert not Access("contacts.read").allows("*.read")
    assert Access("*.read").allows("*.read")


@pytest.mark.parametrize("words", [*WORDS, "contacts.read deals.write", "*.write", "team.write *.read"])
def test_what_is_within_another_opens_nothing_more(words: str) -> None:
    inner = Access(words)
    assert inner.within(inner)
    assert inner.within(FULL_ACCESS)
    for other in (*WORDS, "contacts.read", "*.read", "*.read *.write", "*"):
        if inner.within(Access(other)):
            assert opened(words) <= opened(other)


def test_a_wildcard_is_within_a_wildcard_alone() -> None:
    reads = " ".join(scope for scope in ALL if scope.endswith(".read"))
    assert not Access("read").within(Access(reads))
    assert Access("read").within(Access("*.read"))
    assert Access("write").within(Access("*.read *.write"))
    assert not Access("*.read *.write").within(Access("write"))
    assert not Access("propose").within(Access("read"))


def test_addresses_and_ends_are_within_those_of_another() -> None:
    office = Access("full", ("203.0.113.0/24", "2001:db8::/32"))
    assert Access("full", ("203.0.113.7", "2001:db8:1::/48")).within(office)
    assert not Access("full", ("203.0.112.0/23",)).within(office)
    halves = Access("full", ("203.0.113.0/25", "203.0.113.128/25", "2001:db8::/33", "2001:db8:8000::/33"))
    assert office.within(halves)
    assert halves.within(office)
    assert not office.within(Access("full", ("203.0.113.0/25", "203.0.113.192/26", "2001:db8::/32")))
    assert not FULL_ACCESS.within(office)
    assert office.within(FULL_ACCESS)
    soon, late = Access(expires_at="2026-12-01T00:00:00Z"), Access(expires_at="2027-01-01T00:00:00Z")
    assert soon.within(late)
    assert not late.within(soon)
    assert not FULL_ACCESS.within(soon)
    assert not Access(expires_at=NEVER).within(soon)
    assert soon.within(Access(expires_at=NEVER))


def test_an_access_is_open_to_its_addresses_alone() -> None:
    office = Access("full", ("203.0.113.0/24",))
    assert office.open_to("203.0.113.9")
    assert office.open_to("::ffff:203.0.113.9")
    assert not office.open_to("203.0.114.1")
    assert not office.open_to("")
    assert FULL_ACCESS.open_to("203.0.114.1")


def test_the_refusal_names_the_scope_that_is_missing() -> None:
    with pytest.raises(Problem, match=r"This needs deals\.write; the token has the scopes contacts\.read") as refused:
        Access("contacts.read").check("contacts.read", "deals.write")
    assert (refused.value.code, refused.value.status) == ("scope_required", 403)
    assert refused.value.facts == {"scope": "deals.write"}
    with pytest.raises(Problem, match="the token has access read"):
        Access("read").check("deals.write")


def test_scopes_are_those_of_known_areas_each_once() -> None:
    areas = (*PLURALS, *AREAS)
    assert scopes_of(["contacts.read", "*.write", "contacts.read"], areas) == "contacts.read *.write"
    assert scopes_of(["*"], areas) == "*"
    for wrong in ("contact.read", "contacts", "contacts.change", "contacts.*", "", "Contacts.read", "x.read"):
        with pytest.raises(ValueError, match="^" + wrong.replace(".", r"\.").replace("*", r"\*") + "$"):
            scopes_of(["deals.read", wrong], areas)
