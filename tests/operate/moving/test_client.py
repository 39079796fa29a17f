"""How the other service is asked again: after which answers, how often, and how long it is waited before."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmkit.faces.klozeo.words import PREFIX
from crmkit.ip import Networks
from crmkit.operate.moving.client import LONGEST_PAUSE, PAUSES, Client, Stopped, retry_after
from crmkit.operate.moving.rows import contact_row
from crmkit.operate.moving.run import PRIVATE, SERVICES, base_of
from crmkit.operate.moving.spool import LONGEST, Spool
from crmkit.outbound.client import Outbound
from crmkit.settings import FACES
from tests.operate.moving.service import Reply, service

NOW = datetime(2026, 6, 10, 9, 0, tzinfo=UTC)


def asked(replies: list[Reply]) -> tuple[object, list[float], list[str]]:
    """Return what a GET answers that gets these replies in turn, the pauses that it made, and what it told."""
    pauses, told, left = list[float](), list[str](), iter(replies)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    with service(lambda _: next(left)) as there:
        client = Client("klozeo", there.url, {}, Outbound(Networks(PRIVATE)), told.append)
        try:
            found = asyncio.run(client.get("/leads", sleep=sleep))
        except Stopped as stopped:
            found = stopped
    return found, pauses, told


def test_a_busy_service_is_asked_again_after_the_time_that_it_names() -> None:
    replies = [Reply("", 429, {"Retry-After": "540"}), Reply("", 503, {"Retry-After": "1.5"}), Reply([1])]
    found, pauses, told = asked(replies)
    assert (found, pauses) == ([1], [540, 1.5])
    assert told == ["klozeo at 127.0.0.1 asks to wait 540 seconds"]


def test_one_that_names_no_time_is_asked_after_growing_pauses_and_given_up_after_the_last() -> None:
    found, pauses, _ = asked([Reply("", status) for status in (500, 502, 503, 504, 429, 500)])
    assert isinstance(found, Stopped)
    assert pauses == list(PAUSES)


def test_a_connection_that_breaks_is_made_again_once_the_service_has_answered() -> None:
    found, pauses, _ = asked([Reply("", 503, {"Retry-After": "0"}), Reply("", 0), Reply([1])])
    assert (found, pauses) == ([1], [0, PAUSES[1]])
    found, pauses, _ = asked([Reply("", 0)])
    assert (str(found), pauses) == (
        "klozeo at 127.0.0.1: the server ended the connection, or its answer is no HTTP",
        [],
    )


def test_every_face_is_a_service_that_can_be_left() -> None:
    assert tuple(SERVICES) == FACES


def test_a_longer_time_than_anybody_waits_is_told() -> None:
    found, pauses, _ = asked([Reply("", 429, {"Retry-After": str(LONGEST_PAUSE + 1)})])
    assert str(found) == "klozeo at 127.0.0.1: it asks to wait 901 seconds; run this again then"
    assert pauses == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("12", 12), (" 0 ", 0), ("0.5", 0.5), ("Wed, 10 Jun 2026 09:01:00 GMT", 60)),
        *(("Wed, 10 Jun 2026 08:00:00 GMT", 0), ("", None), ("soon", None), ("-1", None), ("9" * 30, None)),
    ],
)
def test_a_header_says_how_long_in_seconds_or_until_when(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


@pytest.mark.parametrize("url", ["https://crm.example", "https://crm.example/", f"https://crm.example{PREFIX}/"])
def test_the_address_is_that_of_the_server_or_of_its_api(url: str) -> None:
    assert base_of(url, PREFIX) == f"https://crm.example{PREFIX}"


def test_what_was_read_is_in_a_file_that_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spool = Spool("contacts")
    assert spool.add({"name": "Jane"})
    assert not spool.add({"name": "x" * LONGEST})
    upload = spool.upload()
    assert (b"".join(upload.pieces()), upload.size()) == (b'{"name":"Jane"}\n', 16)
    assert list(tmp_path.iterdir()) == []
    spool.close()


def test_a_lead_without_a_name_is_called_by_what_else_tells_it() -> None:
    assert contact_row({"email": "a@b.example", "source_id": "1"}, {})["name"] == "a@b.example"
    assert contact_row({"source_id": "konektor:1", "name": "\0"}, {})["name"] == "konektor:1"


def test_characters_that_no_field_keeps_are_left_out() -> None:
    assert contact_row({"name": "a\0b", "tags": ["\0c"]}, {}) == {"name": "ab", "Tags": ["c"]}
