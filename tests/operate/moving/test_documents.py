"""What a service answers as the examples of its documents do is read: pages, busy answers, pages that are none."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house import Person
from tests.operate.moving.service import KEY, Asked, Reply, listed, moved, service
from tests.teams.office import Team, enter, office

pytestmark = pytest.mark.slow

LEADS = [
    {
        **{"id": "cl_01234567-89ab-cdef-0123-000000000001", "name": "Acme Corporation", "source": "website"},
        **{"email": "contact@acme.com", "city": "San Francisco", "country": "Wonderland", "rating": 4.5, "score": 87},
        **{"tags": ["enterprise"], "status": "contacted", "created_at": 1703520000, "updated_at": 1703520000},
        "attributes": [
            {"id": "a1", "name": "industry", "type": "text", "value": "Software"},
            {"id": "a2", "name": "category", "type": "text", "value": "beside the field"},
        ],
        "category": "SaaS",
        "enriched_by": "a field of later",
    },
    {"id": "cl_01234567-89ab-cdef-0123-000000000002", "name": "Globex", "source": "import", "created_at": 1703520001},
    {"id": "cl_01234567-89ab-cdef-0123-000000000003", "name": "Bad", "source": "import", "email": "no address"},
]
NOTE = {
    **{"id": "note_01234567-89ab-cdef-0123-456789abcdef", "lead_id": LEADS[0]["id"], "created_at": 1703520000},
    **{"content": "Spoke with CEO, very interested in Pro plan.", "updated_at": 1703520000},
}


def klozeo(bare: bool = True) -> Callable[[Asked], Reply]:
    """Return answers of Klozeo: three leads on two pages, lists bare, as its documents have them, or wrapped."""
    busy: Iterator[int] = iter((429, 503))

    def answer(asked: Asked) -> Reply:
        path = asked.path.removeprefix("/api/v1")
        assert asked.headers["X-API-Key"] == KEY
        if path == "/leads" and "cursor" not in asked.query:
            return Reply({"leads": LEADS[:2], "next_cursor": "eyJpZCI6ImNsXzAxMjM", "has_more": True, "count": 2})
        if path == "/leads":
            status = next(busy, 200)
            if status != 200:
                wrong = {"error": "rate_limit_exceeded", "code": "rate_limit_exceeded", "message": KEY}
                return Reply(wrong, status, {"Retry-After": "0"})
            return Reply({"leads": LEADS[2:], "next_cursor": None, "has_more": False, "count": 1})
        if path.endswith("/attributes"):
            return Reply([{"id": "a3", "name": "asked for", "type": "bool", "value": True}])
        notes = [NOTE] if path == f"/leads/{LEADS[0]['id']}/notes" else []
        if path == f"/leads/{LEADS[1]['id']}/notes":
            return Reply({"error": "not_found", "message": "gone"}, 404)
        if path == f"/leads/{LEADS[2]['id']}/notes":
            notes = [{**NOTE, "id": "note_3"}, {"id": "note_4"}]
        return Reply(notes if bare else {"notes": notes})

    return answer


@pytest.mark.parametrize("bare", [True, False], ids=["bare lists", "wrapped lists"])
def test_pages_of_klozeo_with_busy_answers_between_them_come_and_what_does_not_is_told(us: Team, bare: bool) -> None:
    with service(klozeo(bare)) as there:
        done = moved(us.charlie, "klozeo", there.url, "--yes")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "read 3 leads and 2 notes of klozeo" in lines
    assert "imported 2 contacts, 1 note" in lines
    assert [line.partition(";")[0] for line in lines if line.startswith("not ")] == [
        "not imported: 1 contact",
        "not imported: 1 note",
        "not read (1): a note without id or text",
        "not read (1): the notes of a lead: they could not be read",
    ]
    assert 'error=invalid_value  field.email="' in done.stdout
    acme, globex = listed(us.charlie, "/contacts?sort=name")
    assert acme["custom"] == {
        **{"industry": "Software", "category": "SaaS", "category 2": "beside the field", "Country": "Wonderland"},
        **{"klozeo_created_at": "2023-12-25T16:00:00Z", "klozeo_score": 87, "enriched_by": "a field of later"},
    }
    assert (acme["stage"], acme["tags"], acme["city"]) == ("contacted", ["enterprise"], "San Francisco")
    assert globex["custom"] == {"asked for": True, "klozeo_created_at": "2023-12-25T16:00:01Z"}
    (note,) = listed(us.charlie, "/activities")
    assert (note["kind"], note["body"], note["occurred_at"]) == ("note", NOTE["content"], "2023-12-25T16:00:00Z")
    assert note["contact_id"] == acme["id"]


SAMPLE: dict[str, Any] = {
    **{"id": "lead_abc123", "uniqueCode": "KNK-001", "firstName": "Budi", "lastName": "Santoso"},
    **{"email": "budi@example.com", "phone": "+6281234567890", "status": "new", "priority": "medium"},
    **{"source": "ads", "adPlatform": "meta", "assignedTo": None, "estimatedValue": 5000000, "actualValue": None},
    **{"notes": None, "createdAt": "2025-01-15T10:30:00.000Z", "updatedAt": "2025-01-15T10:30:00.000Z"},
}


def konektor(asked: Asked) -> Reply:
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    if asked.path == "/api/v2/agent/workspace":
        return Reply({"success": True, "data": {"displayName": "Toko Budi Online", "currency": "IDR"}})
    assert asked.path == "/api/v2/agent/leads"
    page: dict[str, Any] = {"page": 1, "limit": 2, "total": 4, "totalPages": 2}
    if "cursor" not in asked.query:
        found = [SAMPLE, {"id": "lead_2", "firstName": "", "phone": "+6281", "status": "pageview"}]
        return Reply({"success": True, "data": found, "pagination": {**page, "nextCursor": "eyJpZCI6"}})
    found = [{"id": "lead_3", "firstName": "Odd", "estimatedValue": "1.005", "actualValue": "12.50"}]
    return Reply({"success": True, "data": found, "pagination": {**page, "nextCursor": None}})


def test_pages_of_konektor_come_with_the_currency_of_their_workspace(us: Team) -> None:
    with service(konektor) as there:
        done = moved(us.charlie, "konektor", f"{there.url}/api/v2/agent", "--yes")
    assert done.returncode == 0, done.stderr
    assert "imported 3 contacts, 0 notes" in done.stdout
    assert "not read (1): a lead: counted, and on no page" in done.stdout
    nameless, budi, odd = listed(us.charlie, "/contacts?sort=name")
    assert (budi["name"], budi["code"], budi["source_id"]) == ("Budi Santoso", "KNK-001", "konektor:lead_abc123")
    assert (budi["estimated_cents"], budi["currency"]) == (500_000_000, "IDR")
    assert budi["custom"] == {"konektor_created_at": "2025-01-15T10:30:00.000Z"}
    assert (nameless["name"], nameless["stage"]) == ("+6281", "pageview")
    assert (odd["actual_cents"], odd["custom"]) == (1_250, {"konektor_estimatedValue": "1.005"})


def test_a_dry_run_reads_all_and_leaves_nothing(us: Team) -> None:
    with service(klozeo()) as there:
        done = moved(us.charlie, "klozeo", there.url, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert "creates=2  updates=0  refused=1" in done.stdout
    assert "2 notes would follow as activities" in done.stdout
    for path in ("/contacts", "/imports", "/activities"):
        assert listed(us.charlie, path) == []


def test_without_a_terminal_nobody_agrees(us: Team) -> None:
    with service(klozeo()) as there:
        done = moved(us.charlie, "klozeo", there.url)
    assert done.returncode == 1
    assert "add --yes to run it" in done.stderr
    assert listed(us.charlie, "/contacts") == []


def test_an_import_that_ended_in_the_middle_is_finished_by_another_one(us: Team) -> None:
    answers, lists_of_notes = klozeo(), itertools.count(1)

    def breaks(asked: Asked) -> Reply:
        is_third = asked.path.endswith("/notes") and next(lists_of_notes) == 3
        return Reply("gone", 418) if is_third else answers(asked)

    with service(breaks) as there:
        first = moved(us.charlie, "klozeo", there.url, "--yes")
        second = moved(us.charlie, "klozeo", there.url, "--yes")
        third = moved(us.charlie, "klozeo", there.url, "--yes")
    assert (first.returncode, first.stdout) == (1, "")
    assert "answers 418" in first.stderr
    assert (second.returncode, third.returncode) == (0, 0)
    assert len(listed(us.charlie, "/contacts")) == 2
    assert len(listed(us.charlie, "/activities")) == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply('{"leads": [{"id": "cl_1"'), "is no JSON"),
        (Reply("<html>login</html>"), "is no JSON"),
        (Reply({"items": []}), "is no page of leads"),
        (Reply({"leads": [{"name": "without id"}], "has_more": False}), "is no page of leads"),
        (Reply({"leads": LEADS, "has_more": True, "next_cursor": None}), "is no page of leads"),
        (Reply({"leads": [], "has_more": True, "next_cursor": "same"}), "the same page again and again"),
        (Reply([], 401), "it refuses the key (401)"),
        (Reply([], 403), "the key may not read this"),
        (Reply([], 404), "there is nothing at this address"),
        (Reply([], 302, {"Location": "http://127.0.0.1:1/"}), "it redirects, and the key is not sent on"),
        (Reply([], 429, {"Retry-After": "86400"}), "it asks to wait 86400 seconds"),
        (Reply([], 503, {"Retry-After": "0"}), "it answers 503 again and again"),
    ],
)
def test_what_is_no_page_ends_it_before_anything_is_imported(us: Team, reply: Reply, words: str) -> None:
    with service(lambda asked: reply) as there:
        done = moved(us.charlie, "klozeo", there.url, "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert listed(us.charlie, "/imports") == []


def test_a_server_without_leads_gives_none(us: Team) -> None:
    with service(lambda asked: Reply({"leads": [], "next_cursor": None, "has_more": False, "count": 0})) as there:
        done = moved(us.charlie, "klozeo", there.url, "--yes")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "imported 0 contacts, 0 notes")


def test_a_wrong_token_is_told_before_the_service_is_asked(us: Team) -> None:
    with service(klozeo()) as there:
        done = moved(Person(us.home.url, "wrong"), "klozeo", there.url, "--yes")
        assert there.asked == []
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR invalid_token")


def test_notes_wait_where_a_cap_ends_the_contacts(tmp_path: Path) -> None:
    plans = tmp_path / "crmkit.toml"
    plans.write_text('[plans]\ndefault = "tiny"\n[plans.tiny]\ncontacts = 1\n')
    with office(tmp_path / "data", file=plans) as home, service(klozeo()) as there:
        charlie = enter(home, "charlie@example.com")
        done = moved(charlie, "klozeo", there.url, "--yes")
        assert done.returncode == 1
        assert "imported 1 contact, 0 notes" in done.stdout
        assert "not imported: 2 contacts; GET /imports/imp_" in done.stdout
        assert "not imported: 2 notes; the contacts ended early" in done.stdout
        assert len(listed(charlie, "/imports")) == 1
