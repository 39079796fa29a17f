"""Activities: logged on every kind of record, shown by what they are about, and read page by page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit import ids
from tests.core.crowd import Call, at_once, statuses
from tests.house import ALICE, BOB, UNLIMITED, House, Person, process
from tests.kinds import LOGGED
from tests.web.refused import refused

NOW = "2026-06-10T09:00:00Z"


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


def made(person: Person, plural: str, title: str = "Something", **more: Any) -> dict[str, Any]:
    kind = next(kind for kind in LOGGED if kind.plural == plural)
    body = {kind.title.name: title, **more}
    found: dict[str, Any] = person.json_of("POST", f"/{plural}", body)
    return found


def logged(person: Person, plural: str, id: str, body: str = "Hello", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = person.json_of("POST", f"/{plural}/{id}/activities", {"body": body, **more})
    assert "id" in found, found
    return found


def signals(person: Person, plural: str, id: str) -> tuple[int, str | None]:
    record = person.json_of("GET", f"/{plural}/{id}")
    return record["activities"], record["last_activity_at"]


@pytest.mark.parametrize("kind", LOGGED, ids=lambda kind: kind.name)
def test_an_activity_is_logged_on_every_kind_of_record(alice: Person, kind: Any) -> None:
    record = made(alice, kind.plural)
    links = {kind.activity_link: None for kind in LOGGED} | {kind.activity_link: record["id"]}
    for spelled in (record["id"], record["handle"], record["handle"].replace("/", "%2F")):
        answer = alice.post(f"/{kind.plural}/{spelled}/activities", json={"body": "Hello"})
        assert answer.status_code == 201
        assert answer.text.startswith("activity/a_")
        assert answer.text.endswith("\n# created\n")
    page = alice.json_of("GET", f"/{kind.plural}/{record['id']}/activities")
    assert page["total"] == 3
    whole = {"kind": "note", "occurred_at": NOW, "on_behalf_of": None, "body": "Hello", "created_at": NOW}
    for activity in page["items"]:
        assert {name: activity[name] for name in whole} == whole
        assert {name: activity[name] for name in links} == links
        assert activity["created_by"] == ALICE
        assert alice.json_of("GET", f"/activities/{activity['id']}") == activity


def test_an_activity_on_a_deal_carries_the_contact_and_company_it_has_then(alice: Person) -> None:
    company, contact = made(alice, "companies"), made(alice, "contacts")
    deal = made(alice, "deals", contact_id=contact["id"], company_id=company["id"])
    activity = logged(alice, "deals", deal["id"])
    links = {"deal_id": deal["id"], "contact_id": contact["id"], "company_id": company["id"]}
    assert {name: activity[name] for name in links} == links
    for plural, record in (("companies", company), ("contacts", contact), ("deals", deal)):
        assert [found["id"] for found in alice.json_of("GET", f"/{plural}/{record['id']}/activities")["items"]] == [
            activity["id"]
        ]
        assert signals(alice, plural, record["id"]) == (1, NOW)
    alice.patch(f"/deals/{deal['id']}", json={"contact_id": None})
    assert logged(alice, "deals", deal["id"])["contact_id"] is None
    assert signals(alice, "contacts", contact["id"]) == (1, NOW)
    assert signals(alice, "companies", company["id"]) == (2, NOW)


@pytest.mark.parametrize("kind", LOGGED, ids=lambda kind: kind.name)
def test_count_and_newest_time_of_activities_are_right_after_every_create_and_delete(alice: Person, kind: Any) -> None:
    id = made(alice, kind.plural)["id"]
    assert signals(alice, kind.plural, id) == (0, None)
    times = ["2026-03-01T08:00:00Z", "2026-05-01T08:00:00Z", "2026-01-01T08:00:00Z", "2027-01-01T08:00:00Z"]
    activities = []
    for count, at in enumerate(times, 1):
        activities.append(logged(alice, kind.plural, id, occurred_at=at))
        assert signals(alice, kind.plural, id) == (count, max(times[:count]))
    left = list(times)
    for place in (3, 0, 1, 2):
        assert alice.delete(f"/activities/{activities[place]['id']}").status_code == 200
        left.remove(times[place])
        assert signals(alice, kind.plural, id) == (len(left), max(left, default=None))
    record = alice.json_of("GET", f"/{kind.plural}/{id}")
    assert record["version"] == 1  # the record itself did not change


def test_thirty_activities_logged_at_once_are_all_counted(town: House, alice: Person) -> None:
    company = made(alice, "companies")["id"]
    deal = made(alice, "deals", company_id=company)["id"]
    calls = [
        Call(
            "POST",
            f"/{'deals' if n % 2 else 'companies'}/{deal if n % 2 else company}/activities",
            {"body": f"{n}", "occurred_at": f"2026-05-{n + 1:02}T08:00:00Z"},
        )
        for n in range(30)
    ]
    assert statuses(at_once(town.url, calls, alice.token)) == {201: 30}
    assert signals(alice, "companies", company) == (30, "2026-05-30T08:00:00Z")
    assert signals(alice, "deals", deal) == (15, "2026-05-30T08:00:00Z")
    found = alice.json_of("GET", f"/activities?company={company}&limit=200")["items"]
    drop = [Call("DELETE", f"/activities/{activity['id']}") for activity in found[:29]]
    assert statuses(at_once(town.url, [*drop, *drop], alice.token)) == {200: 29, 404: 29}
    assert signals(alice, "companies", company) == (1, "2026-05-01T08:00:00Z")
    assert signals(alice, "deals", deal) == (0, None)


def test_records_are_filtered_and_sorted_by_their_activities(town: House) -> None:
    with town.sign_in(BOB) as bob:
        for name, times in (("A", []), ("B", ["2026-05-01"]), ("C", ["2026-01-01", "2026-02-01"])):
            id = made(bob, "contacts", name)["id"]
            for at in times:
                logged(bob, "contacts", id, occurred_at=at)

        def found(query: str) -> str:
            return "".join(item["name"] for item in bob.json_of("GET", f"/contacts?{query}")["items"])

        wanted = {
            "sort=-activities": "CBA",
            "sort=activities": "ABC",
            "sort=last_activity_at": "CBA",
            "sort=-last_activity_at": "BCA",
            "activities=gte:1&sort=name": "BC",
            "activities=0": "A",
            "last_activity_at=is:null": "A",
            "last_activity_at=lt:2026-03-01": "C",
            "last_activity_at=2026-05-01": "B",
        }
        assert {query: found(query) for query in wanted} == wanted
        assert "  activities=2  last_activity_at=2026-02-01T00:00:00Z" in bob.text("GET", "/contacts?name=C")


@pytest.fixture(scope="module")
def feed(town: House) -> Iterator[tuple[Person, dict[str, Any]]]:
    """Carol, and a workspace whose activities are those of two contacts and a deal of the first."""
    with town.sign_in("carol@example.com") as carol:
        one, two = made(carol, "contacts", "One")["id"], made(carol, "contacts", "Two")["id"]
        deal = made(carol, "deals", contact_id=one)["id"]
        letters = {}
        for letter, plural, id, kind, day, whom in (
            ("A", "contacts", one, "call", "2026-05-01", "dan@example.com"),
            ("B", "contacts", two, "email", "2026-05-02", None),
            ("C", "deals", deal, "call", "2026-05-03", "Eve@Example.com"),
            ("D", "contacts", one, "meeting", "2026-05-04", None),
            ("E", "contacts", two, "call", "2026-05-05", "dan@example.com"),
        ):
            letters[letter] = logged(
                carol, plural, id, letter, kind=kind, occurred_at=f"{day}T12:00:00Z", on_behalf_of=whom
            )["id"]
        yield carol, {"one": one, "two": two, "deal": deal, "letters": letters}


FEEDS = {
    "/activities": "EDCBA",
    "/activities?contact={one}": "DCA",
    "/activities?contact=contact/{one}": "DCA",
    "/activities?contact=contact%2F{one},{two}": "EDCBA",
    "/activities?deal={deal}": "C",
    "/activities?deal=deal/{deal}&contact={one}": "C",
    "/activities?contact={never}": "",
    "/activities?kind=call": "ECA",
    "/activities?kind=calls": "ECA",
    "/activities?kind=CALL,meeting": "EDCA",
    "/activities?since=2026-05-03T12:00:00Z": "EDC",
    "/activities?since=2026-05-03": "EDC",
    "/activities?until=2026-05-03T12:00:00Z": "BA",
    "/activities?since=2026-05-02&until=2026-05-04": "DCB",
    "/activities?since=2026-05-03T14:00:00%2B02:00&kind=call": "EC",
    "/activities?on_behalf_of=DAN@example.com": "EA",
    "/activities?on_behalf_of=dan@example.com,eve@example.com": "ECA",
    "/contacts/{one}/activities": "DCA",
    "/contacts/contact%2F{one}/activities?kind=call": "CA",
    "/contacts/{one}/activities?since=2026-05-02": "DC",
    "/contacts/{one}/activities?contact={one},{two}": "DCA",
    "/contacts/{one}/activities?contact={two}": "",
    "/contacts/{one}/activities?on_behalf_of=eve@example.com": "C",
    "/deals/{deal}/activities": "C",
}


@pytest.mark.parametrize(("path", "letters"), FEEDS.items(), ids=FEEDS)
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_activities_are_read_page_by_page_newest_first(
    feed: tuple[Person, dict[str, Any]], path: str, letters: str, limit: int
) -> None:
    carol, names = feed
    path = path.format(**names, never=ids.mint("c"))
    start = f"{path}{'&' if '?' in path else '?'}limit={limit}"
    found, cursor, pages = "", "", 0
    while cursor is not None and pages < 6:
        page = carol.json_of("GET", f"{start}&cursor={cursor}" if cursor else start)
        assert page["total"] == (None if cursor else len(letters)), page
        lines = carol.text("GET", f"{start}&cursor={cursor}" if cursor else start).splitlines()
        ids_of_page = [activity["id"] for activity in page["items"]]
        assert [line.split("  ")[0] for line in lines[: len(ids_of_page)]] == [f"activity/{id}" for id in ids_of_page]
        found += "".join(activity["body"] for activity in page["items"])
        cursor = page["next_cursor"]
        pages += 1
    assert found == letters


def test_activities_of_the_same_moment_are_each_read_once(town: House) -> None:
    with town.sign_in("frank@example.com") as frank:
        contact = made(frank, "contacts")["id"]
        known = {logged(frank, "contacts", contact, str(n))["id"] for n in range(7)}
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            page = frank.json_of("GET", f"/activities?limit=2{more}")
            seen += [activity["id"] for activity in page["items"]]
            cursor = page["next_cursor"]
        assert len(seen) == 7
        assert set(seen) == known


def test_parameters_that_a_list_of_activities_does_not_take_are_refused(feed: tuple[Person, dict[str, Any]]) -> None:
    carol, names = feed
    for place in ("/activities", f"/contacts/{names['one']}/activities", f"/deals/{names['deal']}/activities"):
        takes = "takes contact, company, deal, ticket, kind, on_behalf_of, by, source_id, since, until, id, occurred_at"
        refused(carol, "invalid_filter", "GET", f"{place}?contcat=x", None, {"contcat": "did you mean contact"}, takes)
        refused(carol, "invalid_filter", "GET", f"{place}?sort=body", None, ["sort"], takes)
        refused(carol, "invalid_value", "GET", f"{place}?contact={names['deal']}", None, {"contact": "id of a contact"})
        refused(carol, "invalid_value", "GET", f"{place}?until=2026", None, {"until": "a time like"})
    cursor = carol.json_of("GET", "/activities?limit=1")["next_cursor"]
    refused(carol, "invalid_cursor", "GET", f"/activities?limit=1&kind=call&cursor={cursor}")
    refused(carol, "invalid_cursor", "GET", f"/contacts/{names['one']}/activities?cursor={cursor}")


def test_fields_of_activities_filter_with_all_operators_and_so_do_parameters_of_one_value(alice: Person) -> None:
    contact = made(alice, "contacts")["id"]
    for kind, minutes in (("call", 5), ("email", None), ("meeting", 30)):
        body = {"kind": kind, "body": f"a {kind}", "duration_minutes": minutes}
        alice.json_of("POST", f"/contacts/{contact}/activities", body)

    def found(query: str, path: str = "/activities") -> set[str]:
        return {item["kind"] for item in alice.json_of("GET", f"{path}?contact={contact}&{query}")["items"]}

    assert found("kind=ne:call") == found("kind=out:call") == {"email", "meeting"}
    assert found("duration_minutes=gte:10") == {"meeting"}
    assert found("duration_minutes=is:null") == {"email"}
    assert found("occurred_at=during:today&kind=in:call,email") == {"call", "email"}
    assert found("outcome=is:null&or.duration_minutes=5&or.kind=email") == {"call", "email"}
    assert found("by=kind&duration_minutes=not:null", "/activities/count") == {"call", "meeting"}
    assert found("or.kinds=call&or.types=email") == {"call", "email"}


def test_what_an_activity_does_not_take_is_refused_and_nothing_is_logged(alice: Person) -> None:
    contact = made(alice, "contacts")["id"]
    place = f"/contacts/{contact}/activities"
    refused(alice, "missing_field", "POST", place, {"kind": "call"}, ["body"])
    refused(alice, "missing_field", "POST", place, {"body": " "}, ["body"])
    refused(alice, "invalid_value", "POST", place, {"body": "x" * 20_001}, {"body": "at most 20,000"})
    refused(alice, "invalid_value", "POST", place, {"body": "x", "kind": "sms"}, {"kind": "one of call, email"})
    refused(alice, "invalid_value", "POST", place, {"body": "x", "occurred_at": "soon"}, {"occurred_at": "a time"})
    refused(alice, "invalid_value", "POST", place, {"body": "x", "on_behalf_of": "dan"}, ["on_behalf_of"])
    refused(alice, "unknown_field", "POST", place, {"body": "x", "version": 1}, {"version": "by the server"})
    refused(alice, "unknown_field", "POST", place, {"body": "x", "custom": {}}, ["custom"])
    refused(alice, "method_not_allowed", "PUT", f"/activities/{logged(alice, 'contacts', contact)['id']}", {})
    assert signals(alice, "contacts", contact) == (1, NOW)


def test_an_activity_is_deleted_in_one_step_and_stays_in_the_audit_log(alice: Person) -> None:
    contact = made(alice, "contacts")["id"]
    activity = logged(alice, "contacts", contact, "gone soon")
    assert alice.text("DELETE", f"/activities/{activity['handle']}").startswith(
        f"OK deleted {activity['handle']}\n# undo: POST /undo/op_"
    )
    refused(alice, "not_found", "GET", f"/activities/{activity['id']}", does="was deleted at")
    refused(alice, "not_found", "DELETE", f"/activities/{activity['id']}", does="was deleted at")
    entries = alice.json_of("GET", f"/audit?target={activity['id']}")["items"]
    assert [entry["action"] for entry in entries] == ["activity.delete", "activity.create"]
    assert [entry["changes"]["body"] for entry in entries] == [["gone soon", None], [None, "gone soon"]]


def test_another_workspace_neither_reads_nor_writes_activities(town: House, alice: Person) -> None:
    contact = made(alice, "contacts")["id"]
    activity = logged(alice, "contacts", contact)["id"]
    with town.sign_in("gina@example.com") as gina:
        for method, path, body in (
            ("GET", f"/activities/{activity}", None),
            ("DELETE", f"/activities/{activity}", None),
            ("GET", f"/contacts/{contact}/activities", None),
            ("POST", f"/contacts/{contact}/activities", {"body": "x"}),
        ):
            refused(gina, "not_found", method, path, body, does="in this workspace")
        assert gina.json_of("GET", f"/activities?contact={contact}")["items"] == []
    assert signals(alice, "contacts", contact) == (1, NOW)


@pytest.mark.slow
def test_a_cap_on_activities_holds_for_thirty_at_once_and_a_delete_makes_room(tmp_path: Path) -> None:
    config = tmp_path / "crmkit.toml"
    config.write_text('[plans]\ndefault = "small"\n\n[plans.small]\nactivities = 5\n')
    environ = {"CRMKIT_CONFIG": str(config), **UNLIMITED}
    with process(tmp_path / "data", **environ) as served, served.sign_in() as me:
        contact = made(me, "contacts")["id"]
        calls = [Call("POST", f"/contacts/{contact}/activities", {"body": str(n)}) for n in range(30)]
        assert statuses(at_once(served.url, calls, me.token)) == {201: 5, 403: 25}
        facts = refused(me, "plan_limit_reached", "POST", calls[0].path, {"body": "x"}, does="Do not retry")
        assert (facts["resource"], facts["cap"], facts["used"]) == ("activities", 5, 5)
        assert "activities: 5 / 5\n" in me.text("GET", "/whoami")
        assert signals(me, "contacts", contact)[0] == 5
        gone = me.json_of("GET", "/activities?limit=1")["items"][0]["id"]
        assert me.delete(f"/activities/{gone}").status_code == 200
        assert me.post(calls[0].path, json={"body": "x"}).status_code == 201
