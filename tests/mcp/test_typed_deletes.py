"""A delete by a typed tool, which the host asks its user about where it can."""

from typing import Any

import pytest

from tests.house import Person
from tests.mcp.test_endpoint import CAPABILITIES, VERSION, modern
from tests.mcp.typed_calls import PATH
from tests.web.connecting import rpc


def asking(person: Person, params: dict[str, Any], elicitation: Any = ()) -> dict[str, Any]:
    able = {} if elicitation == () else {"elicitation": elicitation}
    sent = modern("tools/call", {**params, "_meta": {VERSION: "2026-07-28", CAPABILITIES: able}})
    result: dict[str, Any] = person.post(PATH, **sent).json()["result"]
    return result


@pytest.fixture
def jane(alice: Person) -> dict[str, Any]:
    """The call that deletes her."""
    id = alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.com"})["id"]
    return {"name": "delete_contact", "arguments": {"id": id}}


@pytest.mark.parametrize("able", [{}, {"form": {}}, {"form": {}, "url": {}}], ids=str)
def test_a_host_that_can_ask_its_user_is_told_to(alice: Person, jane: dict[str, Any], able: Any) -> None:
    result = asking(alice, jane, able)
    assert result["resultType"] == "input_required"
    question = result["inputRequests"]["confirm"]
    assert question["method"] == "elicitation/create"
    assert question["params"]["mode"] == "form"
    assert question["params"]["message"].startswith(
        f'delete_contact {{"id":"{jane["arguments"]["id"]}"}}\nIts activities'
    )
    assert "confirm=" not in question["params"]["message"]
    again = {**jane, "requestState": result["requestState"]}
    yes = {"confirm": {"action": "accept", "content": {"confirm": True}}}
    done_ = asking(alice, {**again, "inputResponses": yes}, able)
    assert done_["resultType"] == "complete"
    assert done_["content"][0]["text"].startswith("OK deleted contact/")
    assert alice.json_of("GET", "/contacts")["total"] == 0


@pytest.mark.parametrize(
    "answer",
    [
        {"action": "decline"},
        {"action": "cancel"},
        {"action": "accept", "content": {"confirm": False}},
        {"action": "accept", "content": {"confirm": "true"}},
        {"action": "accept"},
        {"action": "accept", "content": []},
        *("accept", None, 5),
    ],
    ids=str,
)
def test_without_a_clear_yes_nothing_is_deleted(alice: Person, jane: dict[str, Any], answer: Any) -> None:
    state = asking(alice, jane, {})["requestState"]
    result = asking(alice, {**jane, "requestState": state, "inputResponses": {"confirm": answer}}, {})
    assert result["isError"]
    assert "The user did not agree, so nothing was done." in result["content"][0]["text"]
    assert alice.json_of("GET", "/contacts")["total"] == 1


def test_a_state_of_another_call_or_none_at_all_is_asked_about_anew(alice: Person, jane: dict[str, Any]) -> None:
    other = alice.json_of("POST", "/contacts", {"name": "Other"})["id"]
    state = asking(alice, {**jane, "arguments": {"id": other}}, {})["requestState"]
    yes = {"confirm": {"action": "accept", "content": {"confirm": True}}}
    for sent in ({"requestState": state}, {"requestState": "x"}, {"requestState": ""}, {}):
        assert asking(alice, {**jane, **sent, "inputResponses": yes}, {})["resultType"] == "input_required"
    assert asking(alice, {**jane, "requestState": state, "inputResponses": {}}, {})["resultType"] == "input_required"
    assert alice.json_of("GET", "/contacts")["total"] == 2


@pytest.mark.parametrize("able", [(), {"url": {}}, None, 5], ids=str)
def test_a_host_that_cannot_ask_gets_the_token_in_text(alice: Person, jane: dict[str, Any], able: Any) -> None:
    result = asking(alice, jane, able)
    assert result["isError"]
    assert '"confirm":"' in result["content"][1]["text"]


def test_a_client_that_initializes_gets_the_token_in_text(alice: Person, jane: dict[str, Any]) -> None:
    sent = {**jane, "_meta": {CAPABILITIES: {"elicitation": {}}}}
    result = alice.post(PATH, json=rpc("tools/call", sent)).json()["result"]
    assert result["isError"]
    assert '"confirm":"' in result["content"][1]["text"]


@pytest.mark.parametrize("argument", ["erase", "code"])
def test_it_does_not_erase(alice: Person, jane: dict[str, Any], argument: str) -> None:
    result = asking(alice, {**jane, "arguments": {**jane["arguments"], argument: "1"}})
    assert result["isError"]
    assert f"{argument} is no argument of delete_contact" in result["content"][0]["text"]
    assert alice.json_of("GET", "/contacts")["total"] == 1
