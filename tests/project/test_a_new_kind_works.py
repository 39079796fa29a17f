"""A kind costs its declaration and a migration: one that the product does not have is used over HTTP."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit import boot, ids
from crmkit.storage.columns import table_columns
from tests.core.undo.contents import newest
from tests.house import House, Person, record_in, settings_of
from tests.project.assets import ASSET, KINDS, with_assets
from tests.teams.office import JSON, Books, address, enter, erased, new, stepped

pytestmark = pytest.mark.sqlite  # its table is made by a migration


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with with_assets(tmp_path_factory.mktemp("assets") / "data") as running:
        yield running


@pytest.fixture
def alice(home: House) -> Person:
    """Alice, admin of a workspace that is hers alone in each test."""
    return enter(home, address("alice"))


def made(person: Person, title: str = "The lamp is dark", **body: Any) -> Any:
    return person.json_of("POST", "/assets", {"title": title, **body})


def test_its_table_has_the_columns_that_it_declares(home: House) -> None:
    with Books(home.folder) as books:
        assert sorted(books.columns("assets")) == sorted(name for name, _ in table_columns(ASSET))


def test_it_is_created_and_read_as_text_and_as_json(alice: Person) -> None:
    asset = made(alice, group="second", tags=["lamp"], custom={"floor": 3}, notes="it was bright")
    assert (asset["handle"], asset["status"], asset["version"]) == (f"asset/{asset['id']}", "open", 1)
    assert ids.parse(asset["id"], "as", KINDS.prefixes) == asset["id"]
    assert alice.json_of("GET", f"/assets/{asset['handle']}") == record_in(asset)
    line = alice.text("GET", f"/assets/{asset['id']}")
    assert line.startswith(f'{asset["handle"]}  title="The lamp is dark"')
    assert "custom.floor=3" in line
    assert alice.text("POST", "/assets", {}).startswith("ERROR missing_field")
    assert alice.json_of("POST", "/assets", {"lamp": 1})["fields"] == {"lamp": "is no field of an asset"}


def test_a_post_merges_by_its_unique_field(alice: Person) -> None:
    first = made(alice, mailbox="desk@example.com", group="first")
    again = alice.send_it("POST", "/assets", {"mailbox": "DESK@example.com", "group": "second"}, headers=JSON)
    assert (again.status_code, again.json()["id"], again.json()["group"]) == (200, first["id"], "second")
    other = made(alice, "Another")
    refused = alice.json_of("PATCH", f"/assets/{other['id']}", {"mailbox": "desk@example.com"})
    assert (refused["error"], refused["handle"]) == ("already_exists", first["handle"])
    assert alice.json_of("GET", "/assets")["total"] == 1 + 1


def test_one_of_the_same_title_and_group_is_noted_listed_and_dismissed(alice: Person) -> None:
    first, other = made(alice, group="night"), made(alice, "THE LAMP is dark", group="Night")
    assert "potential_duplicate" not in first
    assert (other["potential_duplicate"], other["version"]) == (first["handle"], 1)
    assert other["remarks"] == [f"may be the same as {first['handle']} (title and group)"]
    for word in ("asset", "assets"):
        [pair] = alice.json_of("GET", f"/duplicates?kind={word}")["items"]
        assert {pair.pop("a"), pair.pop("b")} == {first["handle"], other["handle"]}
        assert pair == {"reason": "title and group", "likeness": 1.0}
    answer = alice.text("POST", "/duplicates/dismiss", {"a": first["id"], "b": other["handle"]})
    assert answer == f"OK dismissed {first['handle']} and {other['handle']}\n"
    assert alice.json_of("GET", "/duplicates?kind=asset")["items"] == []


def test_a_unique_text_is_one_in_whatever_case(alice: Person) -> None:
    first = made(alice, code="SN-Ab 42")
    again = made(alice, "Another", code="sn-AB 42")
    assert (again["id"], again["code"], again["title"]) == (first["id"], "sn-AB 42", "Another")
    other = made(alice, "Another", code="SN-1")
    refused = alice.json_of("PATCH", f"/assets/{other['id']}", {"code": "sn-ab 42"})
    assert (refused["error"], refused["handle"]) == ("already_exists", first["handle"])
    assert alice.json_of("PATCH", f"/assets/{first['id']}", {"code": "sn-ab 42"})["code"] == "sn-ab 42"
    assert titles(alice, "/assets?code=SN-AB%2042") == ["Another"]


def test_a_post_merges_by_the_first_of_its_unique_fields_that_leads_to_a_record(alice: Person) -> None:
    by_mailbox, by_code, by_source = (
        made(alice, mailbox="a@example.com"),
        made(alice, code="A"),
        made(alice, source_id="a"),
    )
    again = made(alice, mailbox="b@example.com", code="a", source_id="b")
    assert (again["id"], again["mailbox"], again["source_id"]) == (by_code["id"], "b@example.com", "b")
    for body, merged, left_out, holder in [
        ({"mailbox": "a@example.com", "code": "A"}, by_mailbox, "code", by_code),
        ({"mailbox": "a@example.com", "source_id": "a"}, by_mailbox, "source_id", by_source),
        ({"code": "a", "source_id": "a"}, by_code, "source_id", by_source),
    ]:
        again = made(alice, group="x", **body)
        assert (again["id"], again["group"]) == (merged["id"], "x")
        assert again["remarks"] == [f"{left_out} belongs to {holder['handle']}"]
        assert again[left_out] == alice.json_of("GET", f"/assets/{merged['id']}")[left_out]
    refused = alice.json_of("PATCH", f"/assets/{by_code['id']}", {"source_id": "a"})
    assert (refused["error"], refused["handle"]) == ("already_exists", by_source["handle"])
    assert alice.json_of("GET", f"/assets/{by_source['id']}") == record_in(by_source)


def test_the_case_of_an_id_of_another_system_counts(alice: Person) -> None:
    first, other = made(alice, source_id="0015e00000aBcDe"), made(alice, source_id="0015e00000aBcDE")
    assert first["id"] != other["id"]
    assert made(alice, source_id=" 0015e00000aBcDE ")["id"] == other["id"]
    assert alice.json_of("GET", "/assets?source_id=0015e00000aBcDe")["items"][0]["id"] == first["id"]


def test_lists_filter_sort_and_page_it(alice: Person) -> None:
    for number in range(5):
        made(alice, f"Asset {number}", status="closed" if number % 2 else "open", group=f"g{number}")
    assert titles(alice, "/assets?status=closed&sort=title") == ["Asset 1", "Asset 3"]
    assert titles(alice, "/assets?sort=status,title") == [f"Asset {number}" for number in (0, 2, 4, 1, 3)]
    assert titles(alice, "/assets?sort=-group&limit=2") == ["Asset 4", "Asset 3"]
    counted = alice.json_of("GET", "/assets/count?by=status")["items"]
    assert sum(row["count"] for row in counted) == alice.json_of("GET", "/assets")["total"]
    assert titles(alice, "/assets?group=in:G1,g2&sort=title") == ["Asset 1", "Asset 2"]
    page = alice.json_of("GET", "/assets?sort=title&limit=4")
    assert (len(page["items"]), page["total"]) == (4, 5)
    rest = alice.json_of("GET", f"/assets?sort=title&limit=4&cursor={page['next_cursor']}")
    assert [item["title"] for item in rest["items"]] == ["Asset 4"]
    exported = alice.get("/assets/export?format=jsonl&status=closed&sort=title&fields=title").text
    assert re.findall(r'"title":"([^"]*)"', exported) == ["Asset 1", "Asset 3"]
    assert alice.get("/assets/export?sort=-group").text.count("\r\nasset/") == 5


@pytest.mark.parametrize("indexed", [False, True])
def test_search_finds_it_before_and_after_its_text_is_indexed(home: House, alice: Person, indexed: bool) -> None:
    made(alice, "Broken window", notes="kelason street")
    made(alice, "Wet roof")
    if indexed:
        with Books(home.folder) as books:
            books.settled(alice)
    assert titles(alice, "/assets?search=kelason") == ["Broken window"]
    assert titles(alice, "/assets?search=windwo") == ["Broken window"]
    assert [item["title"] for item in alice.json_of("GET", "/search?q=roof")["assets"]] == ["Wet roof"]
    assert alice.json_of("GET", "/search?q=roof&types=contacts,assets")["assets"]


def test_activities_are_logged_on_it_and_on_what_it_shares_them_with(alice: Person) -> None:
    contact = new(alice, "/contacts", name="Jane Doe")
    asset = made(alice, contact_id=contact)
    activity = alice.json_of("POST", f"/assets/{asset['id']}/activities", {"body": "looked at the lamp"})
    assert (activity["asset_id"], activity["contact_id"]) == (asset["id"], contact)
    assert alice.json_of("GET", f"/activities?asset={asset['id']}")["items"][0]["body"] == "looked at the lamp"
    assert alice.json_of("GET", f"/contacts/{contact}/activities")["total"] == 1
    for path in (f"/assets/{asset['id']}", f"/contacts/{contact}"):
        assert alice.json_of("GET", path)["activities"] == 1
    new(alice, f"/contacts/{contact}/activities", body="called")
    erased(alice, f"/assets/{asset['id']}")
    assert [one["body"] for one in alice.json_of("GET", "/activities")["items"]] == ["called"]
    assert alice.json_of("GET", f"/contacts/{contact}")["activities"] == 1


def test_it_follows_what_it_links_to(alice: Person) -> None:
    contact = new(alice, "/contacts", name="Jane Doe")
    asset = made(alice, contact_id=contact)
    assert asset["contact_name"] == "Jane Doe"
    alice.json_of("PATCH", f"/contacts/{contact}", {"name": "Jane Roe"})
    assert alice.json_of("GET", "/assets?search=roe")["items"][0]["contact_name"] == "Jane Roe"
    wrong = alice.json_of("PATCH", f"/assets/{asset['id']}", {"contact_id": asset["id"]})["fields"]["contact_id"]
    assert wrong == "that is the id of an asset; the id of a contact looks like c_k7m2q9xa"
    hint = alice.json_of("DELETE", f"/contacts/{contact}")["hint"]
    assert " and assets stay, unlinked. " in hint
    erased(alice, f"/contacts/{contact}")
    left = alice.json_of("GET", f"/assets/{asset['id']}")
    assert (left["contact_id"], left["contact_name"], left["version"]) == (None, None, 2)


def test_it_is_deleted_in_two_steps_and_stays_known_as_deleted(alice: Person) -> None:
    asset = made(alice)
    path = f"/assets/{asset['id']}"
    asked = alice.json_of("DELETE", path)
    assert asked["hint"].startswith("Its activities go with it; its contact stays. Ask the user")
    assert alice.json_of("GET", path)["id"] == asset["id"]
    assert alice.text("DELETE", f"{path}?confirm={asked['confirm']}").startswith(
        f"OK deleted {asset['handle']}\n# undo: POST /undo/op_"
    )
    assert "This asset was deleted at" in alice.json_of("GET", path)["hint"]


def test_two_of_it_are_merged_and_the_old_id_goes_on(alice: Person) -> None:
    stays, goes = made(alice, "Lamp", tags=["a"]), made(alice, "The lamp", code="L-1", tags=["b"], group="first")
    new(alice, f"/assets/{goes['id']}/activities", body="looked at the lamp")
    path, body = f"/assets/{stays['id']}/merge", {"from": goes["handle"]}
    asked = alice.json_of("POST", path, body)
    assert asked["error"] == "confirmation_required"
    merged = alice.json_of("POST", f"{path}?confirm={asked['confirm']}", body)
    told = {name: merged[name] for name in ("id", "title", "code", "tags", "group", "activities", "version")}
    assert told == {"id": stays["id"], "title": "Lamp", "code": "L-1", "tags": ["a", "b"], "group": "first"} | {
        "activities": 1,
        "version": 2,
    }
    again = alice.json_of("GET", f"/assets/{goes['id']}")
    assert (again["id"], again["remarks"]) == (stays["id"], [f"{goes['id']} was merged into {stays['id']}"])
    assert alice.json_of("GET", f"/activities?asset={goes['id']}")["total"] == 1
    assert alice.json_of("GET", "/audit?action=asset.merge")["items"][0]["target"] == goes["handle"]


def test_all_that_filters_find_are_changed_and_deleted(alice: Person) -> None:
    contact = new(alice, "/contacts", name="Jane Doe")
    for number in range(3):
        made(alice, f"Asset {number}", group="day", contact_id=contact)
    for method, body, message in (("PATCH", {"group": "night"}, "changed"), ("DELETE", None, "deleted")):
        path = f"/assets?contact_id={contact}"
        asked = alice.json_of(method, path, body)
        assert (asked["count"], len(asked["items"])) == (3, 3)
        done = alice.json_of(method, f"{path}&confirm={asked['confirm']}", body)
        assert done["message"] == f"{message} 3 assets"
        assert {item["group"] for item in alice.json_of("GET", "/assets")["items"]} == ({"night"} if body else set())


def test_the_log_tells_what_happened_to_it(alice: Person) -> None:
    asset = made(alice)
    changed = alice.send_it("PATCH", f"/assets/{asset['id']}", {"group": "night"}, headers={"If-Match": "1", **JSON})
    assert changed.json()["version"] == 2
    late = alice.json_of("PATCH", f"/assets/{asset['id']}", {"group": "day"}, headers={"If-Match": "1"})
    assert (late["error"], late["version"]) == ("version_conflict", 2)
    entries = alice.json_of("GET", f"/audit?target={asset['id']}")["items"]
    assert [entry["action"] for entry in entries] == ["asset.update", "asset.create"]
    assert entries[0]["changes"] == {"group": [None, "night"]}


def test_what_was_done_to_it_is_taken_back(home: House, alice: Person) -> None:
    contact = new(alice, "/contacts", name="Jane Doe")
    asset = made(alice, contact_id=contact)
    alice.post(f"/assets/{asset['id']}/activities", json={"body": "looked at it"})
    before = alice.json_of("GET", f"/assets/{asset['id']}")
    alice.json_of("PATCH", f"/assets/{asset['id']}", {"group": "night"})
    assert alice.post(f"/undo/{newest(home, alice)}").status_code == 200
    erased(alice, f"/assets/{asset['id']}")
    assert "(2 records)" in alice.text("POST", f"/undo/{newest(home, alice)}")
    after = alice.json_of("GET", f"/assets/{asset['id']}")
    assert {**after, "version": 0, "updated_at": ""} == {**before, "version": 0, "updated_at": ""}


def test_its_keys_of_custom_can_be_declared(alice: Person) -> None:
    made(alice, "Lamp", custom={"floor": 3})
    field = alice.json_of("POST", "/fields", {"kind": "assets", "key": "floor", "type": "number"})
    assert field["kind"] == "asset"
    refused = alice.json_of("POST", "/assets", {"title": "Door", "custom": {"floor": "third"}})
    assert refused["fields"] == {"custom.floor": "must be a number"}
    made(alice, "Roof", custom={"floor": 10})
    assert titles(alice, "/assets?custom.floor=gte:3&sort=-custom.floor") == ["Roof", "Lamp"]


def test_reminders_tell_when_to_get_back_to_it(alice: Person) -> None:
    asset = made(alice, follow_up_at="2026-06-01", follow_up_note="look again")
    assert f"{asset['handle']}  " in alice.text("GET", "/reminders")
    cleared = alice.json_of("PATCH", f"/assets/{asset['id']}", {"follow_up_at": None})
    assert cleared["follow_up_note"] is None


def test_a_plan_caps_it(tmp_path: Path) -> None:
    config = tmp_path / "crmkit.toml"
    config.write_text('[plans]\ndefault = "small"\n[plans.small]\nassets = 1\n')
    with with_assets(tmp_path / "data", config) as home:
        alice = enter(home, "alice@example.com")
        made(alice)
        refused = made(alice, "One more")
        assert (refused["error"], refused["resource"], refused["cap"]) == ("plan_limit_reached", "assets", 1)
        assert alice.json_of("GET", "/whoami")["usage"]["assets"] == {"used": 1, "cap": 1}


def test_another_workspace_learns_nothing_of_it(home: House, alice: Person) -> None:
    asset = made(alice, mailbox="secret@example.com")
    charlie = enter(home, address("charlie"))
    unknown, own = ids.mint("as"), made(charlie, "Mine")
    for method, path, body in [
        ("GET", "/assets/ID", None),
        ("PATCH", "/assets/ID", {"group": "x"}),
        ("DELETE", "/assets/ID", None),
        ("POST", "/assets/ID/merge", {"from": own["id"]}),
        ("POST", f"/assets/{own['id']}/merge", {"from": "ID"}),
        ("POST", "/assets/ID/activities", {"body": "x"}),
        ("GET", "/assets/ID/activities", None),
        ("GET", "/activities?asset=ID", None),
        ("GET", "/audit?target=ID", None),
    ]:
        foreign, none = (
            charlie.send_it(method, path.replace("ID", id), filled(body, id)).text.replace(id, "ID")
            for id in (asset["id"], unknown)
        )
        assert foreign.partition("request")[0] == none.partition("request")[0]
    assert charlie.json_of("GET", "/assets?search=lamp")["items"] == []
    assert made(charlie, mailbox="secret@example.com")["id"] != asset["id"]


def filled(body: dict[str, str] | None, id: str) -> dict[str, str] | None:
    return body and {name: value.replace("ID", id) for name, value in body.items()}


def test_erasing_the_workspace_leaves_no_row_of_it(home: House, alice: Person) -> None:
    contact = new(alice, "/contacts", name="Jane Doe")
    asset = made(alice, "zwiebelmuster", contact_id=contact)
    new(alice, f"/assets/{asset['id']}/activities", body="zwiebelmuster")
    place = alice.json_of("GET", "/whoami")["workspace"]
    with Books(home.folder) as books:
        books.settled(alice)
        assert stepped(home, alice, "DELETE", f"/workspaces/{place}").status_code == 200
        for name in books.tables():
            assert not [row for row in books.rows(name) if "zwiebelmuster" in str(row) or asset["id"] in str(row)], name


def test_it_moves_to_another_server_with_its_workspace(home: House, alice: Person, tmp_path: Path) -> None:
    asset = made(alice, "The lamp moves", group="lamps", tags=["a"], custom={"size": 3})
    new(alice, f"/assets/{asset['id']}/activities", body="packed")
    file, place = tmp_path / "moving.zip", alice.json_of("GET", "/whoami")["workspace"]
    boot.export_workspace(settings_of(CRMKIT_SERVER_DATA=str(home.folder)), place, file, KINDS)
    with with_assets(tmp_path / "there") as there:
        enter(there, "bob@example.com")
        boot.import_workspace(settings_of(CRMKIT_SERVER_DATA=str(there.folder)), file, KINDS)
        person = enter(there, alice.email)
        for path in (f"/assets/{asset['id']}", f"/assets/{asset['id']}/activities", "/assets?search=moves"):
            assert person.json_of("GET", path) == alice.json_of("GET", path)


def test_the_manual_and_openapi_describe_it(home: House, alice: Person) -> None:
    assert "  assets: Something that is owned.\n" in alice.text("GET", "/help")
    assert alice.text("GET", "/help?topic=assets").startswith("ASSETS: Something that is owned.\nFIELDS ")
    manual = alice.text("GET", "/help?topic=all")
    assert "  asset: Something that is owned." in manual
    assert "what it is" in manual
    assert ", assets, fields, webhooks, members" in manual
    described = alice.json_of("GET", "/openapi.json")
    assert described["components"]["schemas"]["asset"]["properties"]["group"]["description"].startswith("who keeps")
    assert set(described["paths"]["/assets/{id}"]) == {"get", "patch", "delete"}
    assert described["paths"]["/assets"]["post"]["summary"] == "create, or merge by mailbox, code or source_id"
    names = {parameter["name"] for parameter in described["paths"]["/activities"]["get"]["parameters"]}
    assert {"contact", "asset"} <= names


def test_an_agent_reaches_it_over_mcp(alice: Person) -> None:
    made(alice)
    wanted = {"name": "request", "arguments": {"method": "GET", "path": "/assets"}}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": wanted}
    result = alice.json_of("POST", "/mcp", call)["result"]
    assert 'title="The lamp is dark"' in result["content"][0]["text"]


def test_it_is_imported_from_a_file(alice: Person) -> None:
    jane = alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.com"})["id"]
    lines = ("Title,Mailbox,Contact,Floor", "Lamp,desk@example.com,jane@acme.com,3", ",DESK@example.com,,4", ",,,5")
    plan = alice.json_of("POST", "/import?kind=asset", "\n".join(lines))
    assert [plan[name] for name in ("rows", "creates", "updates", "refused")] == [3, 1, 1, 1]
    alice.json_of("POST", f"/imports/{plan['id']}/start")
    while (done := alice.json_of("GET", f"/imports/{plan['id']}"))["state"] == "running":
        pass
    [lamp] = alice.json_of("GET", "/assets")["items"]
    assert (lamp["title"], lamp["contact_id"], lamp["custom"]) == ("Lamp", jane, {"Floor": "4"})
    assert alice.post(f"/undo/{done['operation']}").status_code == 200
    assert alice.json_of("GET", "/assets")["total"] == 0


def titles(person: Person, path: str) -> list[str]:
    return [item["title"] for item in person.json_of("GET", path)["items"]]
