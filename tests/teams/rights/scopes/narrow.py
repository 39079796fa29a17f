"""Tokens of exact scopes, and a workspace in which all but contacts bears a word that such a token may not see."""

import re
from typing import Any

import httpx

from crmkit.model.access import Access
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import tokens
from tests.house import House, Person
from tests.kinds import CONTACT, KINDS, NAMED
from tests.teams.office import error_of, new, person_of

HIDDEN = "zebracanary"
NONE = "write"  # what is missing of a token that writes nothing
GONE = "not_found"  # in place of a scope: it is answered like what is not there
CONTACTS, DEALS, ACTIVITIES, ALL = "contacts.read", "deals.read deals.write", "activities.write", "*.read"


def narrowed(home: House, person: Person, words: str, *networks: str) -> Person:
    """Return the same person with a token of these scopes, in the workspace of the one they have."""
    card, token = person.json_of("GET", "/whoami"), tokens.mint()

    def unit(tx: Tx) -> None:
        tokens.insert(tx, token, card["user"], card["workspace"], "narrow", access=Access(words, networks))

    home.do(home.crm.database.write(unit, lanes=[card["workspace"]]))
    return person_of(str(person.base_url), token, person.email)


def furnished(person: Person) -> dict[str, str]:
    """Fill a workspace with what only contacts may show and what is hidden; return the ids by their prefixes."""
    day = "2026-06-10"
    ids = {"c": new(person, "/contacts", name="Jane Doe", follow_up_at=day)}
    new(person, "/contacts", name="Jane Doe", phone="+49 30 1234567")
    ids["co"] = new(person, "/companies", name=f"{HIDDEN} Corp", domain="zebra.example.com")
    new(person, "/companies", name=f"{HIDDEN} Corp")
    for kind in (kind for kind in NAMED if kind is not CONTACT and kind.prefix not in ids):
        due = {name: day for name in ("follow_up_at", "due_at") if name in kind.writable}
        ids[kind.prefix] = new(person, f"/{kind.plural}", **{kind.title.name: f"{HIDDEN} {kind.name}"}, **due)
    ids["cv"] = new(person, "/conversions", contact_id=ids["c"], platform="meta", failure=HIDDEN)
    ids["a"] = new(person, f"/contacts/{ids['c']}/activities", body=f"{HIDDEN} call")
    ids["f"] = new(person, "/fields", kind="deal", key="size", type="text", about=HIDDEN)
    ids["v"] = new(person, "/views", name="hers", path=f"/deals?search={HIDDEN}")
    ids["sr"] = new(person, "/scoring-rules", name=HIDDEN, expression="1", weight=0)
    ids["ln"] = new(person, "/links", path=f"/deals?search={HIDDEN}")
    answer = person.post(f"/import?kind=companies&map.{HIDDEN}=name", content=f"{HIDDEN}\n{HIDDEN}\n")
    ids["imp"] = answer.text.split()[0].partition("/")[2]
    ids["ws"] = person.json_of("GET", "/whoami")["workspace"]
    ids["u"] = person.json_of("GET", "/whoami")["user"]
    ids["au"] = person.json_of("GET", "/audit?limit=1")["items"][0]["id"]
    assert len(KINDS) == sum(kind.prefix in ids for kind in KINDS)
    return ids


def missing(answer: httpx.Response) -> str:
    """Return the scope that an answer says is missing, GONE for 404; "" where none is."""
    if answer.status_code == 404:
        return GONE
    return str(answer.json()["scope"]) if error_of(answer) == (403, "scope_required") else ""


def filled(text: Any, ids: dict[str, str]) -> Any:
    if isinstance(text, dict):
        return {name: filled(value, ids) for name, value in text.items()}
    if isinstance(text, list):
        return text
    return re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], text)
