"""A path that leads nowhere names the nearest one that does, and what cannot be an id is told so."""

from collections.abc import Iterator

import pytest

from crmkit import ids
from crmkit.web.app import routes
from crmkit.web.routing.nearest import _MEANT, MAX_PATH
from tests.house import ALICE, House, Person
from tests.kinds import NAMED, REGISTRY
from tests.teams.rights.matrix import PLACEHOLDER, meaning
from tests.web.refused import refused

PATHS = {path: route for route in routes(REGISTRY) for path in route.paths}


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


@pytest.fixture(scope="module")
def made(alice: Person) -> dict[str, str]:
    """One record of each kind: its name -> its id."""
    return {kind.name: alice.json_of("POST", f"/{kind.plural}", {kind.title.name: "Jane"})["id"] for kind in NAMED} | {
        "workspace": alice.json_of("GET", "/whoami")["workspace"]
    }


def test_the_handle_as_printed_is_a_path_of_the_record_whatever_its_kind(alice: Person, made: dict[str, str]) -> None:
    for kind in NAMED:
        handle = alice.text("GET", f"/{kind.plural}/{made[kind.name]}").split("  ")[0]
        assert alice.text("GET", f"/{handle}") == alice.text("GET", f"/{kind.plural}/{made[kind.name]}")
        assert alice.json_of("PATCH", f"/{handle}", {kind.title.name: "June"})[kind.title.name] == "June"
        assert alice.get(f"/{handle}?fields={kind.title.name}").text == f"{handle}  {kind.title.name}=June\n"
        assert alice.get(f"/{kind.name}/{kind.name}%2F{made[kind.name]}").status_code == 200
        if kind.is_logged:
            log = alice.json_of("POST", f"/{handle}/activities", {"kind": "call", "body": "x"})
            assert alice.json_of("GET", f"/{handle}/activities")["items"][0]["id"] == log["id"]
            assert alice.json_of("GET", f"/{log['handle']}")["id"] == log["id"]
            assert alice.delete(f"/{log['handle']}").status_code == 200


def test_a_delete_by_the_handle_takes_its_confirm_token(alice: Person) -> None:
    handle = alice.json_of("POST", "/contacts", {"name": "Gone"})["handle"]
    confirm = alice.json_of("DELETE", f"/{handle}")["confirm"]
    assert alice.delete(f"/{handle}?confirm={confirm}").status_code == 200
    assert alice.get(f"/{handle}").status_code == 404


def test_a_workspace_and_a_token_are_reached_by_their_handles_too(
    town: House, alice: Person, made: dict[str, str]
) -> None:
    assert alice.json_of("PATCH", f"/workspace/{made['workspace']}", {"name": "Acme"})["name"] == "Acme"
    assert alice.get(f"/workspace/{made['workspace']}/members").status_code == 200
    with town.sign_in(ALICE, "to be ended") as other:
        id = next(token["id"] for token in other.json_of("GET", "/tokens")["items"] if token["current"])
        assert alice.delete(f"/token/{id}").status_code == 200


NEAR = [
    ("GET", "/contact", "GET /contacts"),
    ("POST", "/company", "POST /companies"),
    ("PUT", "/contact", "GET or PATCH or POST /contacts"),
    ("HEAD", "/Contacts/", ""),
    ("GET", "/Contacts", "GET /contacts"),
    ("GET", "/contacts.json", "GET /contacts"),
    ("GET", "/api/contacts", "GET /contacts"),
    ("POST", "/api/v1/contacts", "POST /contacts"),
    ("GET", "/v1/contacts/{contact}/notes", "GET /contacts/{contact}/activities"),
    ("POST", "/contacts/{contact}/notes", "POST /contacts/{contact}/activities"),
    ("GET", "/contact/{contact}/call", "GET /contacts/{contact}/activities"),
    ("GET", "/leads/{contact}", "GET /contacts/{contact}"),
    ("GET", "/pipeline", "GET /pipelines/deals"),
    ("GET", "/workspaces/{workspace}/users", "GET /workspaces/{workspace}/members"),
    ("GET", "/reminder", "GET /reminders"),
    ("GET", "/analytics", "GET /analytics/summary"),
    ("GET", "/funnel", "GET /analytics/funnel"),
    ("GET", "/stats", "GET /analytics/summary"),
    ("GET", "/batch", ""),
    ("DELETE", "/meh", "PATCH /me"),
    ("GET", "/audit/au_k7m2q9xa", "GET /audit"),
    ("GET", "/docs", "GET /help"),
    ("POST", "/login", "POST /auth/request"),
    ("GET", "/companies/{company}/contacts", "GET /contacts?company_id={company}"),
    ("GET", "/contact/{contact}/opportunities", "GET /deals?contact_id={contact}"),
    ("GET", "/api/deals/{deal}/todo", "GET /tasks?deal_id={deal}"),
    ("GET", "/campaigns/{campaign}/contacts", "GET /contacts?campaign_id={campaign}"),
    *(("GET", path, "") for path in ("/nowhere", "/.env", "/favicon.ico", "/wp-admin/setup.php", "/x" * MAX_PATH)),
]


@pytest.mark.parametrize(("method", "path", "near"), NEAR, ids=[f"{method} {path[:40]}" for method, path, _ in NEAR])
def test_an_unknown_path_names_the_nearest_one_if_one_is_near(
    alice: Person, made: dict[str, str], method: str, path: str, near: str
) -> None:
    if method == "HEAD":
        assert alice.head(path).status_code == 404
        return
    told = refused(alice, "unknown_path", method, path.format(**made))["hint"]
    meant = f" Did you mean {near.format(**made)}?" if near else ""
    assert told == f"There is nothing at this path.{meant} GET /help?topic=endpoints lists every endpoint."


BELOW = [
    ("GET", "/contacts/search?q=jane", "GET /contacts?search=jane"),
    ("GET", "/deals/find", "GET /deals?search=jane"),
    ("POST", "/companies/import", "POST /import?kind=companies"),
    ("POST", "/tasks/bulk", "POST /tasks/batch"),
]


@pytest.mark.parametrize(("method", "path", "meant"), BELOW)
def test_a_word_below_a_list_is_no_id_and_names_the_path_that_does_it(
    alice: Person, method: str, path: str, meant: str
) -> None:
    assert refused(alice, "not_found", method, path)["hint"].endswith(f" Did you mean {meant}?")


def test_a_post_to_what_a_record_has_elsewhere_names_the_link(alice: Person, made: dict[str, str]) -> None:
    told = refused(alice, "unknown_path", "POST", f"/contacts/{made['contact']}/deals", {"title": "X"})["hint"]
    assert f'Did you mean POST /deals {{"contact_id":"{made["contact"]}"}}? ' in told


def test_a_word_that_is_another_path_here_is_told_when_the_method_is_wrong(alice: Person) -> None:
    refused(
        alice, "method_not_allowed", "GET", "/me", does="^This path takes DELETE, PATCH. Did you mean GET /whoami[?]$"
    )


def test_every_word_of_other_apis_leads_to_a_path_that_there_is() -> None:
    assert {f"/{path}" for path in _MEANT.values()} <= PATHS.keys()


@pytest.mark.parametrize("path", [path for path in PATHS if "{" in path])
def test_what_is_no_id_is_not_found_by_every_method_before_the_method_is_looked_at(alice: Person, path: str) -> None:
    for found in PLACEHOLDER.finditer(path):
        prefix = meaning(path, found.start())
        word = "Bulk" if prefix == "v" else "bulk"  # which a view may be called
        aimed = PLACEHOLDER.sub(
            lambda at, here=found, no_id=word: (
                no_id if at.start() == here.start() else ids.mint(meaning(path, at.start()))
            ),
            path,
        )
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            told = refused(alice, "not_found", method, aimed, does=f"^{word} is no id[;.] .* {prefix}_k7m2q9xa")
            has_list = path[: found.start()].rstrip("/") in PATHS
            assert " Did you mean " in told["hint"] or not has_list, path


@pytest.mark.parametrize("path", ["/undo/c_aaaaaaaa", "/undo/zz"])
def test_a_request_is_not_told_to_be_itself(alice: Person, path: str) -> None:
    told = refused(alice, "not_found", "POST", path)["hint"]
    assert f"POST {path}" not in told
    assert "Did you mean POST /undo/{operation_id}?" in told or "GET /help?topic=endpoints" in told


def test_the_path_of_an_id_of_another_kind_is_named(alice: Person, made: dict[str, str]) -> None:
    id = made["company"]
    told = refused(alice, "not_found", "PATCH", f"/contacts/{id}", {"name": "X"})["hint"]
    assert told.endswith(f"looks like c_k7m2q9xa. Did you mean PATCH /companies/{id}?")


def test_a_mistyped_id_is_not_found_by_a_method_that_the_path_lacks(alice: Person, made: dict[str, str]) -> None:
    wrong = made["contact"][:-1] + ("a" if made["contact"][-1] != "a" else "b")
    refused(alice, "not_found", "POST", f"/contacts/{wrong}", {}, does="check character .* does not fit")


def test_what_is_no_id_is_told_before_what_is_no_parameter_and_after_a_missing_token(
    town: House, alice: Person
) -> None:
    refused(alice, "not_found", "GET", "/contacts/search?q=jane", does="^search is no id; .* Did you mean GET /")
    with town.stranger() as someone:
        refused(someone, "auth_required", "GET", "/contacts/search?q=jane")
