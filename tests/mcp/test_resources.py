"""The manual as resources of /mcp and /mcp/typed."""

from typing import Any

import pytest

from crmkit.render.manual.pages import TOPICS
from tests.house import House, Person
from tests.mcp.test_endpoint import fault, modern
from tests.web.connecting import rpc

ENDPOINTS = pytest.mark.parametrize("path", ["/mcp", "/mcp/typed"])


def result(client: Person, path: str, method: str, **params: Any) -> Any:
    """Return what a client of the first era gets, once one of the second got the same."""
    found = client.post(path, json=rpc(method, params)).json()["result"]
    newer = client.post(path, **modern(method, params)).json()["result"]
    assert newer.pop("resultType") == "complete"
    assert newer.pop("ttlMs") > 0
    assert newer.pop("cacheScope") in ("public", "private")
    assert newer == found
    return found


@ENDPOINTS
def test_the_manual_and_its_topics_are_listed_and_read(town: House, client: Person, path: str) -> None:
    listed = result(client, path, "resources/list")["resources"]
    assert listed[0]["uri"] == f"{town.url}/help"
    assert [each["name"] for each in listed[1:]][: len(TOPICS)] == list(TOPICS)
    assert "contacts" in [each["name"] for each in listed]
    for each in listed:
        assert each["mimeType"] == "text/plain"
        assert each["description"]
        (read,) = result(client, path, "resources/read", uri=each["uri"])["contents"]
        assert (read["uri"], read["mimeType"]) == (each["uri"], "text/plain")
        assert read["text"] == client.get(each["uri"]).text


@ENDPOINTS
def test_a_topic_has_a_template(town: House, client: Person, path: str) -> None:
    (template,) = result(client, path, "resources/templates/list")["resourceTemplates"]
    assert template["uriTemplate"] == f"{town.url}/help{{?topic}}"
    (read,) = result(client, path, "resources/read", uri=f"{town.url}/help?topic=all")["contents"]
    assert read["text"].startswith(client.get("/help").text[:40])


def test_the_path_alone_names_a_resource_too(client: Person) -> None:
    (read,) = result(client, "/mcp", "resources/read", uri="/help?topic=undo")["contents"]
    assert read["text"] == client.text("GET", "/help?topic=undo")


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "/contacts",
            "/help?topic=nope",
            "/help?topics=undo",
            "/help/",
            "/help?topic=undo&x=1",
            "/whoami",
            "",
            "help",
        ),
        *("file:///etc/passwd", "https://evil.com/help", "/help/../contacts", "/help#x", "/help?topic=%2e%2e"),
    ],
)
def test_what_is_no_resource_is_not_found(client: Person, uri: str) -> None:
    old = client.post("/mcp", json=rpc("resources/read", {"uri": uri}))
    assert fault(old) == (200, -32002)
    assert old.json()["error"]["message"].startswith("there is no such resource; ")
    assert old.json()["error"]["data"] == {"uri": uri}
    assert fault(client.post("/mcp", **modern("resources/read", {"uri": uri}))) == (200, -32602)


@pytest.mark.parametrize("params", [{}, {"uri": 5}, {"uri": None}, []])
def test_params_of_the_wrong_type_are_told_in_our_words(client: Person, params: Any) -> None:
    told = client.post("/mcp", json=rpc("resources/read", params)).json()["error"]
    assert told == {"code": -32602, "message": "params must be an object, in which uri is the URI of a resource"}


def test_a_header_that_names_another_resource_is_refused(client: Person) -> None:
    sent = modern("resources/read", {"uri": "/help"}, **{"Mcp-Name": "/help?topic=undo"})
    assert fault(client.post("/mcp", **sent)) == (400, -32020)
