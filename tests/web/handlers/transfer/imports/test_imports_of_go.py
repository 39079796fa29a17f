"""Pages of the crmkit that is written in Go are imported as docs/coming-from.md says, and come once."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.house import ROOT, Person
from tests.web.handlers.transfer.imports.test_imports import ended

AT = "2026-06-10T02:00:00-07:00"
OWN = {"version": 3, "created_at": AT, "updated_at": AT, "created_by": "me@example.com", "activity_count": 2}
CO, C, D = "co_w7x4k2m9p3qrstuv", "c_w7x4k2m9p3qrstuv", "d_w7x4k2m9p3qrstuv"
PAGES: dict[str, dict[str, Any]] = {
    "companies": {"id": CO, "handle": "x7k2p", **OWN, "name": "Acme", "domain": "acme.com", "custom": {"arr": "seed"}},
    "contacts": {
        **{"id": C, "handle": "k7m2q", **OWN, "name": "Jane Doe", "email": "jane@acme.com", "company_id": CO},
        **{"company_name": "Acme", "company_handle": "company_x7k2p", "owner": "alice@acme.com", "stage": "lead"},
        **{"tags": ["vip"], "on_behalf_of": ["alice@acme.com"], "last_activity_at": AT, "outreach_count": 1},
    },
    "deals": {
        **{"id": D, "handle": "9x4kq", **OWN, "title": "Acme renewal", "contact_id": C, "company_id": CO},
        **{"contact_name": "Jane Doe", "amount_cents": 500000, "currency": "USD", "status": "open"},
    },
    "tickets": {
        **{"id": "t_w7x4k2m9p3qrstuv", "handle": "p3q8m", **OWN, "subject": "Can't log in", "status": "pending"},
        **{"content": "500 on login", "requester_id": C, "requester_name": "Jane Doe", "assignee": "agent@x.com"},
    },
    "tasks": {
        **{"id": "task_w7x4k2m9p3qrstuv", "handle": "h2w9c", **OWN, "title": "Send quote", "deal_id": D},
        **{"due_at": AT, "done_at": AT, "assignee": "agent@x.com", "deal_ref": "deal_9x4kq"},
    },
    "activities": {
        **{"id": "act_w7x4k2m9p3qrstuv", "handle": "d5f7g", "contact_id": C, "contact_handle": "contact_k7m2q"},
        **{"kind": "email", "body": "Sent the intro", "created_by": "me@example.com", "created_at": AT},
    },
}
COMMAND = re.compile(r"crmkit import (\w+)\.json --kind \w+ (.*)")
MAPS = dict(COMMAND.findall((Path(ROOT) / "docs" / "coming-from.md").read_text(encoding="utf-8")))


def sent(person: Person, kind: str) -> Any:
    pairs = [("kind", kind), ("start", "1")]
    for word in MAPS[kind].replace("--map ", "").split():
        column, _, field = word.partition("=")
        pairs.append((f"map.{column}", field))
    page = {"items": [PAGES[kind]], "next_cursor": "", "total": 1}
    answer = person.json_of("POST", f"/import?{urlencode(pairs)}", json.dumps(page))
    return ended(person, answer["id"])


@pytest.mark.slow
def test_pages_of_all_kinds_come_with_their_links_and_once(alice: Person) -> None:
    assert MAPS.keys() == PAGES.keys()
    for kind in (*PAGES, *PAGES):
        found = sent(alice, kind)
        assert (found["state"], found["refused"]) == ("done", 0), found
    (company,), (contact,), (deal,), (ticket,), (task,), (activity,) = (
        alice.json_of("GET", f"/{kind}")["items"] for kind in PAGES
    )
    assert company["custom"]["arr"] == "seed"
    assert (contact["company_id"], contact["owner"]) == (company["id"], "alice@acme.com")
    assert (deal["contact_id"], deal["company_id"], deal["amount_cents"]) == (contact["id"], company["id"], 500000)
    assert (ticket["contact_id"], ticket["owner"], ticket["body"]) == (contact["id"], "agent@x.com", "500 on login")
    assert (task["deal_id"], task["owner"], task["done"]) == (deal["id"], "agent@x.com", True)
    assert (task["due_at"], task["done_at"]) == ("2026-06-10T09:00:00Z", "2026-06-10T09:00:00Z")
    assert (activity["contact_id"], activity["occurred_at"]) == (contact["id"], "2026-06-10T09:00:00Z")
