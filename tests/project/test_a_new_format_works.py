"""A format costs one value: here is one that the product does not have, declared for a route and used over HTTP."""

import json
from collections.abc import Iterator

import msgspec
import pytest

from crmkit.core.reading import lists
from crmkit.records.contact import CONTACT
from crmkit.render.answers import Answer, page
from crmkit.render.formats import FORMATS, Format
from crmkit.web.call import HttpCall
from crmkit.web.route import ANY, read
from tests.house import ALICE, House, Person, house

MEDIA = "application/x-ndjson"


def lines(answer: Answer) -> bytes:
    return b"".join(msgspec.json.encode(item) + b"\n" for item in answer.data()["items"])


OLD_LINES = Format("ndjson", MEDIA, MEDIA, lines, is_whole_record=True)


@read("/people", summary="contacts again", kind=CONTACT, query=ANY, formats=(*FORMATS, OLD_LINES))
async def people(call: HttpCall) -> Answer:
    return page(await lists.find_all(call, CONTACT, *call.page()))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("formats") / "data", more=[people]) as running:
        yield running


@pytest.fixture(scope="module")
def alice(home: House) -> Iterator[Person]:
    with home.sign_in(ALICE) as person:
        for name in ("Jane", "Joe"):
            person.json_of("POST", "/contacts", {"name": name, "notes": "long"})
        yield person


@pytest.mark.parametrize(
    ("query", "accept"), [("?format=ndjson", "*/*"), ("", MEDIA), ("", f"{MEDIA}, text/plain;q=0.9")]
)
def test_it_is_asked_for_by_name_and_by_media_type(alice: Person, query: str, accept: str) -> None:
    answer = alice.get(f"/people{query}", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == MEDIA
    assert [json.loads(line) for line in answer.text.splitlines()] == alice.json_of("GET", "/contacts")["items"]


def test_a_route_that_has_it_answers_in_text_and_json_too(alice: Person) -> None:
    for format in FORMATS:
        assert alice.get("/people", params={"format": format.name}).headers["Content-Type"] == format.content_type
    assert alice.text("GET", "/people") == alice.text("GET", "/contacts")


def test_it_decides_whether_records_are_whole(alice: Person) -> None:
    assert "long" in alice.text("GET", "/people?format=ndjson")
    assert "long" not in alice.text("GET", "/people")


def test_an_error_in_it_is_text(alice: Person) -> None:
    answer = alice.get("/people?format=ndjson&nothing=1")
    assert (answer.status_code, answer.text[:21]) == (400, "ERROR invalid_filter\n")


def test_only_a_route_that_declares_it_has_it(alice: Person) -> None:
    answer = alice.get("/contacts?format=ndjson")
    assert (answer.status_code, answer.text) == (
        400,
        "ERROR unknown_format\n"
        "FIELD format  must be text, json, csv or jsonl (did you mean json?)\n"
        "HINT  Send format=text, format=json, format=csv or format=jsonl.\n",
    )
    assert alice.get("/contacts", headers={"Accept": MEDIA}).headers["Content-Type"].startswith("text/plain")
    wrong = alice.text("GET", "/people?format=ndjsonl")
    assert wrong.splitlines()[1:] == [
        "FIELD format  must be text, json or ndjson (did you mean ndjson?)",
        "HINT  Send format=text, format=json or format=ndjson.",
    ]


def test_openapi_tells_which_routes_have_it(alice: Person) -> None:
    described = alice.json_of("GET", "/openapi.json")["paths"]["/people"]["get"]
    assert described["parameters"][0]["schema"] == {"enum": ["text", "json", "ndjson"]}
    assert described["responses"]["200"]["content"][MEDIA] == {"schema": {"type": "string"}}
    assert list(described["responses"]["4XX"]["content"]) == ["text/plain", "application/json"]
