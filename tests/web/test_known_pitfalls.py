"""Faults that servers like this one have had: this one has none of them, on any kind of record."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from crmkit import ids
from crmkit.model.record import Kind
from crmkit.web.app import routes
from tests.house import ALICE, BOB, House, Person, record_in
from tests.kinds import ACTIVITY, NAMED, REGISTRY
from tests.web.refused import refused

pytestmark = pytest.mark.slow

EVERY_KIND = pytest.mark.parametrize("kind", NAMED, ids=lambda kind: kind.name)
TAGGED = pytest.mark.parametrize("kind", [kind for kind in NAMED if "tags" in kind.by_name], ids=lambda kind: kind.name)
FORGED = "x\ncontact/c_22222222  name=Forged\r\n# next: forged\nERROR forged\u2028HINT  forged\x85OK forged\x1b[2J"


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


@pytest.fixture
def fresh(town: House, request: pytest.FixtureRequest) -> Iterator[Person]:
    """Somebody with an empty workspace."""
    name = re.sub(r"\W+", "-", request.node.name).strip("-")[-60:].strip("-")  # the kind stands at its end
    with town.sign_in(f"{name}@example.com") as person:
        yield person


def made(person: Person, kind: Kind, title: str = "Something", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = person.json_of("POST", f"/{kind.plural}", {kind.title.name: title, **more})
    assert "id" in found, found
    return found


def asked(person: Person, kind: Kind, **params: str) -> list[str]:
    """Return the titles that a query finds."""
    page = person.json_of("GET", f"/{kind.plural}", params=params)
    assert "items" in page, page
    return [item[kind.title.name] for item in page["items"]]


def test_stored_text_forges_no_line_of_any_answer(fresh: Person) -> None:
    for kind in NAMED:
        more: dict[str, Any] = {"custom": {FORGED: FORGED}}
        free = ("notes", "description", "stage", "follow_up_note")
        more |= {name: FORGED for name in free if name in kind.by_name}
        if "follow_up_at" in kind.by_name:
            more["follow_up_at"] = "2026-06-01"
        record = made(fresh, kind, FORGED, **more)
        fresh.post(f"/{kind.plural}/{record['id']}/activities", json={"body": FORGED})
        assert record[kind.title.name] == record.get("notes", record.get("description")) == FORGED
        refused(fresh, "version_conflict", "PATCH", f"/{kind.plural}/{record['id']}", {"version": 9})
    fresh.post("/workspaces", json={"name": FORGED})
    paths = ["/activities", "/reminders", "/audit", "/search?q=x", "/workspaces", "/whoami", "/tokens"]
    for kind in NAMED:
        id = fresh.json_of("GET", f"/{kind.plural}")["items"][0]["id"]
        paths += [f"/{kind.plural}", f"/{kind.plural}/{id}"]
        paths += [f"/{kind.plural}/{id}/activities"] if kind.is_logged else []
    for path in paths:
        for line in fresh.text("GET", path).removesuffix("\n").split("\n"):
            assert line.isprintable(), path
            assert not re.match(r"contact/c_22222222|# next: forged|ERROR|HINT|OK", line), path


@EVERY_KIND
def test_an_id_in_the_body_is_refused(alice: Person, kind: Kind) -> None:
    mine, other = made(alice, kind), made(alice, kind, "Other")
    for name in ("id", "handle", "created_at", "created_by"):
        refused(alice, "unknown_field", "POST", f"/{kind.plural}", {kind.title.name: "X", name: other["id"]}, [name])
    body = {"id": other["id"], kind.title.name: "Overwritten"}
    refused(alice, "unknown_field", "PATCH", f"/{kind.plural}/{mine['id']}", body, {"id": "written by the server"})
    assert alice.json_of("GET", f"/{kind.plural}/{other['id']}") == record_in(other)


@EVERY_KIND
def test_a_confirm_token_is_fresh_and_for_one_version_of_one_record(alice: Person, kind: Kind) -> None:
    record, twin = made(alice, kind), made(alice, kind)
    place = f"/{kind.plural}/{record['id']}"
    first, second = (alice.json_of("DELETE", place)["confirm"] for _ in range(2))
    assert first != second
    of_twin = alice.json_of("DELETE", f"/{kind.plural}/{twin['id']}")["confirm"]
    alice.patch(place, json={kind.title.name: "changed meanwhile"})
    for wrong in (second, of_twin, record["id"], "1"):
        assert alice.delete(f"{place}?confirm={wrong}").status_code == 409
    assert alice.get(place).status_code == 200


@EVERY_KIND
def test_a_refused_write_leaves_no_audit_line(fresh: Person, kind: Kind) -> None:
    record = made(fresh, kind)
    before = fresh.json_of("GET", "/audit")["total"]
    place = f"/{kind.plural}/{record['id']}"
    for method, path, body in (
        ("PATCH", place, {"version": 7, "notes": "x"}),
        ("PATCH", place, {kind.title.name: record[kind.title.name]}),
        ("PATCH", place, {"tags": "x"}),
        ("POST", f"/{kind.plural}", {"custom": {"x": 1}}),
        ("POST", f"{place}/activities", {"body": ""}),
        ("DELETE", place, None),
    ):
        fresh.send_it(method, path, body)
    assert fresh.json_of("GET", "/audit")["total"] == before


def test_every_link_that_text_shows_works_as_a_filter(alice: Person) -> None:
    company = alice.json_of("POST", "/companies", {"name": "Acme"})
    contact = alice.json_of("POST", "/contacts", {"name": "Jane", "company_id": company["id"]})
    deal = alice.json_of("POST", "/deals", {"title": "D", "contact_id": contact["id"], "company_id": company["id"]})
    for path, record in ((f"/contacts/{contact['id']}", contact), (f"/deals/{deal['id']}", deal)):
        links = re.findall(r"  (\w+_id)=(\S+)", alice.text("GET", path))
        assert links
        for name, value in links:
            found = alice.text("GET", f"{path.rpartition('/')[0]}?{name}={value}")
            assert found.startswith(f"{record['handle']}  ")
            assert "# total: 1\n" in found


@EVERY_KIND
def test_both_conditions_on_one_field_hold(fresh: Person, kind: Kind) -> None:
    for n in range(4):
        made(fresh, kind, f"r{n}", custom={"n": n})
    assert sorted(asked(fresh, kind, custom="not:null")) == ["r0", "r1", "r2", "r3"]
    name = kind.title.name
    assert sorted(asked_pairs(fresh, kind, [(name, "gte:r1"), (name, "lt:r3")])) == ["r1", "r2"]
    assert sorted(asked_pairs(fresh, kind, [("custom.n", "gt:0"), ("custom.n", "lt:3")])) == ["r1", "r2"]
    assert asked_pairs(fresh, kind, [(name, "r1"), (name, "r2")]) == []


def asked_pairs(person: Person, kind: Kind, pairs: list[tuple[str, str]]) -> list[str]:
    return [item[kind.title.name] for item in person.json_of("GET", f"/{kind.plural}", params=pairs)["items"]]


@TAGGED
def test_is_null_finds_empty_text_and_case_does_not_matter(fresh: Person, kind: Kind) -> None:
    made(fresh, kind, "None", notes="", owner="", tags=[], custom={})
    made(fresh, kind, "ÄPFEL", notes="Big NEWS", owner="Me@Example.com", tags=["VIP"], custom={"n": 10, "ok": True})
    for name in ("notes", "owner", "tags", "custom", "custom.n"):
        assert asked(fresh, kind, **{name: "is:null"}) == ["None"], name
        assert asked(fresh, kind, **{name: "not:null"}) == ["ÄPFEL"], name
    for name, value in (
        (kind.title.name, "äpfel"),
        (kind.title.name, "like:PFE"),
        ("notes", "big news"),
        ("owner", "ME@example.COM"),
        ("tags", "vip"),
        ("custom.n", "10"),
        ("custom.n", "gt:9"),
        ("custom.ok", "true"),
        ("search", "apfel"),
    ):
        assert asked(fresh, kind, **{name: value}) == ["ÄPFEL"], (name, value)


ODD_TAGS = [
    'say"hi"',
    "back\\slash",
    "a&b",
    "<b>",
    "100%",
    "under_score",
    "it's",
    "a+b",
    "é",
    "#1",
    "null",
    "in:x",
    "{}",
]


@TAGGED
def test_a_tag_with_odd_characters_can_be_filtered_by_and_is_no_wildcard(fresh: Person, kind: Kind) -> None:
    for tag in ODD_TAGS:
        made(fresh, kind, tag, tags=[tag])
    made(fresh, kind, "under-score", tags=["underxscore", "100"])
    for tag in ODD_TAGS:
        assert asked(fresh, kind, tags=f"eq:{tag}") == [tag]
        assert asked(fresh, kind, tags=f"in:{tag},nothing") == [tag]
        assert tag in asked(fresh, kind, tags=f"like:{tag}", limit="200")
    for wildcard in ("%", "_"):
        for field in (kind.title.name, "tags"):
            found = asked(fresh, kind, **{field: f"like:{wildcard}"})
            assert sorted(found) == sorted(tag for tag in ODD_TAGS if wildcard in tag)


@EVERY_KIND
def test_pages_show_every_row_once_where_the_sort_key_is_empty(fresh: Person, kind: Kind) -> None:
    names = [name for name in ("owner", "domain", "email", "close_date", "amount_cents") if name in kind.by_name]
    for n in range(9):
        values: dict[str, Any] = {"owner": f"{n % 2}@x.com", "close_date": "2026-06-30", "amount_cents": n % 2}
        values |= {"domain": f"d{n}.com", "email": f"e{n}@x.com"}
        made(fresh, kind, f"{n}", **{name: values[name] for name in names if n % 3})
    derived = ["last_activity_at"] if kind.is_logged else []
    for name in [*names, *derived, "created_at"]:
        for sort in (name, f"-{name}"):
            for limit in ("1", "2", "4"):
                seen: list[str] = []
                empties: list[bool] = []
                cursor = ""
                while cursor is not None and len(seen) <= 9:
                    page = fresh.json_of("GET", f"/{kind.plural}?sort={sort}&limit={limit}&cursor={cursor}")
                    seen += [item[kind.title.name] for item in page["items"]]
                    empties += [item[name] is None for item in page["items"]]
                    cursor = page["next_cursor"]
                assert sorted(seen) == [str(n) for n in range(9)], (sort, limit)
                assert empties == sorted(empties), "empty values come last"


def test_every_handle_that_is_shown_leads_to_its_record(fresh: Person) -> None:
    for kind in NAMED:
        record = made(fresh, kind, **({"follow_up_at": "2026-06-01"} if "follow_up_at" in kind.by_name else {}))
        fresh.post(f"/{kind.plural}/{record['id']}/activities", json={"body": "x"})
    plurals = {kind.name: kind.plural for kind in (*NAMED, ACTIVITY)}
    met = set()
    for path in (*(f"/{plural}" for plural in plurals.values()), "/reminders", "/search?q=Something", "/audit"):
        for kind_name, id in re.findall(r"\b(\w+)/(\w+_[a-z0-9]{8})\b", fresh.text("GET", path)):
            if kind_name in plurals:
                met.add(kind_name)
                for spelled in (id, f"{kind_name}/{id}"):
                    assert fresh.get(f"/{plurals[kind_name]}/{spelled}").status_code == 200, (path, kind_name, id)
    assert met == set(plurals)


@pytest.mark.parametrize("cents", [0.1, 1e-2, 19.99, "19.99", "1e3"])
def test_money_that_is_no_whole_number_is_refused(alice: Person, cents: Any) -> None:
    refused(alice, "invalid_value", "POST", "/deals", {"title": "X", "amount_cents": cents}, ["amount_cents"])
    refused(alice, "invalid_value", "GET", f"/deals?amount_cents={cents}", None, ["amount_cents"])


@EVERY_KIND
def test_the_id_of_another_kind_is_refused(alice: Person, kind: Kind) -> None:
    for other in NAMED:
        record = made(alice, other)
        if other is kind:
            continue
        for spelled in (record["id"], record["handle"]):
            log = [("GET", "/activities")] if kind.is_logged else []
            for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), *log):
                does = f"id of a {other.name}"
                refused(alice, "not_found", method, f"/{kind.plural}/{spelled}{path}", None, does=does)
            refused(alice, "invalid_value", "GET", f"/{kind.plural}?id={spelled}", None, ["id"])


def test_every_path_that_a_hint_names_exists(alice: Person) -> None:
    table = {(method, path) for route in routes(REGISTRY) for path in route.paths for method in route.listed_methods}
    seen = 0
    for kind in (*NAMED, ACTIVITY):
        never = f"/{kind.plural}/{ids.mint(kind.prefix)}"
        asks: list[tuple[str, str, Any]] = [("GET", never, None), ("DELETE", never, None)]
        asks += [("GET", f"/{kind.plural}/nonsense", None), ("GET", f"/{kind.plural}?kind=nonsense", None)]
        if kind is not ACTIVITY:
            record = made(alice, kind)
            asks += [
                ("DELETE", f"/{kind.plural}/{record['id']}", None),
                ("PATCH", never, {}),
                *([("GET", f"{never}/activities", None)] if kind.is_logged else []),
            ]
        for method, path, body in asks:
            hint = alice.json_of(method, path, body)["hint"]
            for verb, named in re.findall(r"\b(GET|POST|PATCH|DELETE) (/[^\s?;,]*)", hint):
                spelled = re.sub(r"/[a-z]+_[a-z0-9]{8}\b", "/{id}", named.rstrip("."))
                assert (verb, spelled) in table, hint
                assert alice.request(verb, named.rstrip(".")).status_code != 400, hint
                seen += 1
    assert seen > 10


@EVERY_KIND
def test_search_finds_words_in_any_order_in_any_field(fresh: Person, kind: Kind) -> None:
    more: dict[str, Any] = {"tags": ["vip-tag"], "notes": "met at the Fair in Lyon"}
    if "tags" not in kind.by_name:
        more = {"description": "met at the Fair in Lyon, vip-tag"}
    if "company_id" in kind.by_name:
        more["company_id"] = made(fresh, NAMED[1], "Umbrella Corp")["id"]
    made(fresh, kind, "Zoë Quill", **more)
    words = ["zoe", "quill zoe", "vip-tag", "lyon", "LYON quill vip", "fair met"]
    words += ["umbrella", "corp zoe lyon"] if "company_id" in kind.by_name else []
    for search in words:
        assert asked(fresh, kind, search=search) == ["Zoë Quill"], search
    assert asked(fresh, kind, search="quill paris") == []


def test_a_log_goes_on_past_its_limit_page_by_page(fresh: Person) -> None:
    contact = made(fresh, NAMED[0])["id"]
    for n in range(7):
        fresh.post(f"/contacts/{contact}/activities", json={"body": f"{n}"})
    for path in ("/activities", f"/contacts/{contact}/activities", "/audit", "/contacts"):
        total = fresh.json_of("GET", path)["total"]
        seen: list[str] = []
        cursor = ""
        while cursor is not None and len(seen) <= total:
            page = fresh.json_of("GET", f"{path}?limit=3{f'&cursor={cursor}' if cursor else ''}")
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
        assert len(seen) == len(set(seen)) == total
        assert total == len(fresh.json_of("GET", f"{path}?limit=200")["items"])


def test_nobody_is_invited_as_admin_without_a_code(alice: Person) -> None:
    place = f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}/invites"
    assert alice.post(place, json={"email": BOB, "role": "admin"}).status_code == 403
    members = alice.json_of("GET", place.replace("/invites", "/members"))
    assert members["invites"] == []
