"""Prometheus reads what the server tells of itself, and nothing in it is about a person."""

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from crmkit import __version__
from crmkit.histogram import Histogram
from crmkit.mail import MailFailed, Message
from crmkit.web.metrics.exposition import Family, written
from crmkit.web.metrics.requests import BOUNDS, Requests
from tests import postgres
from tests.house import ALICE, ROOT, House, house
from tests.webhooks.making import made, sent
from tests.webhooks.receiver import receiver

HOSTILE = 'a "quoted"\\ text\nof two lines'


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data") as running:
        yield running


def families(home: House) -> dict[str, Metric]:
    home.logged()  # what was answered is counted, too
    answer = home.visitor().get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {found.name: found for found in text_string_to_metric_families(answer.text)}


def value(found: Metric, labels: Mapping[str, str] = {}, name: str = "") -> float:
    """Return the one sample with these labels; `name` is that of the sample if it is not the metric's."""
    samples = [each for each in found.samples if each.labels == labels and each.name == (name or each.name)]
    assert len(samples) == 1, (labels, found.samples)
    return float(samples[0].value)


def test_every_metric_that_is_told_stands_in_the_docs_and_the_other_way_round(home: House) -> None:
    home.visitor().get("/healthz")
    told = families(home)
    written = set(re.findall(r"^\| `(crmkit_\w+?)(?:_total)?`", (ROOT / "docs" / "metrics.md").read_text(), re.M))
    assert set(told) == written
    assert all(name.startswith("crmkit_") and found.documentation for name, found in told.items())


def test_requests_are_counted_by_the_pattern_of_their_route_and_by_status(home: House) -> None:
    with home.sign_in(ALICE) as alice:
        id = alice.json_of("POST", "/contacts", {"name": "Jane Doe"})["id"]
        for path in (f"/contacts/{id}", f"/contact/{id}", f"/contacts/contact/{id}", "/contacts/c_0000000000"):
            alice.get(path)
        alice.put("/contacts")
    with home.stranger() as someone:
        someone.get("/contacts")
        someone.get("/jane-doe")
    found = families(home)
    requests, seconds = found["crmkit_requests"], found["crmkit_request_seconds"]
    one = "/contacts/{id}"
    assert value(requests, {"route": one, "status": "200"}) == 3
    assert value(requests, {"route": one, "status": "404"}) == 1
    assert value(requests, {"route": "/contacts", "status": "201"}) == 1
    assert value(requests, {"route": "/contacts", "status": "401"}) == 1
    assert value(requests, {"route": "/contacts", "status": "405"}) == 1
    assert value(requests, {"route": "*", "status": "404"}) == 1
    assert value(seconds, {"route": one}, "crmkit_request_seconds_count") == 4
    assert value(seconds, {"route": one, "le": "+Inf"}) == 4
    assert 0 < value(seconds, {"route": one}, "crmkit_request_seconds_sum") < 60
    buckets = [each.value for each in seconds.samples if "le" in each.labels and each.labels["route"] == one]
    assert buckets == sorted(buckets)
    assert len(buckets) == len(BOUNDS) + 1


def test_nothing_personal_stands_in_it(home: House) -> None:
    with home.sign_in(ALICE) as alice:
        id = alice.json_of("POST", "/contacts", {"name": "Jane Doe", "email": "jane@example.com"})["id"]
        alice.get(f"/contacts/{id}")
        alice.get("/contacts/jane@example.com")
        alice.get("/jane-doe?search=jane")
    home.logged()
    text = home.visitor().get("/metrics").text
    assert not [word for word in (ALICE, id, "jane", "Jane", alice.token, "ws_") if word in text]


def test_what_the_writer_did_and_how_large_the_files_are_is_told(home: House) -> None:
    with home.sign_in(ALICE) as alice:
        for n in range(5):
            alice.post("/contacts", json={"name": f"Jane {n}"})
    found = families(home)
    groups = found["crmkit_write_group_size"]
    assert value(groups, {}, "crmkit_write_group_size_count") >= 7
    assert value(groups, {}, "crmkit_write_group_size_sum") >= value(groups, {}, "crmkit_write_group_size_count")
    assert value(found["crmkit_writes_waiting"]) == 0
    size, log_size = value(found["crmkit_database_bytes"]), value(found["crmkit_database_log_bytes"])
    if postgres.SERVER:  # whose log is none of ours
        assert size > 1_000_000
        assert log_size == 0
    else:
        file = home.folder / "crmkit.db"
        assert (size, log_size) == (file.stat().st_size, file.with_name("crmkit.db-wal").stat().st_size)
    assert value(found["crmkit_database_up"]) == 1
    assert value(found["crmkit_connections"]) >= 1
    (info,) = found["crmkit_info"].samples
    assert info.labels["version"] == __version__
    assert info.labels["database"].startswith("PostgreSQL 1" if postgres.SERVER else "SQLite 3.")


def test_mails_and_imports_are_counted(tmp_path: Path) -> None:
    class Broken:
        async def send(self, message: Message) -> None:
            raise MailFailed("no server")

    with house(tmp_path / "data") as home:
        with home.sign_in(ALICE) as alice:
            planned = alice.post("/import", content="name\nJane\n", headers={"Content-Type": "text/csv"})
            assert planned.status_code < 300, planned.text
        letterbox = home.letterbox.send
        home.letterbox.send = Broken().send  # type: ignore[method-assign]
        with home.stranger() as someone:
            assert someone.post("/auth/request", json={"email": ALICE}).status_code >= 500
        home.letterbox.send = letterbox  # type: ignore[method-assign]
        found = families(home)
    assert value(found["crmkit_mails"], {"result": "sent"}) == 1
    assert value(found["crmkit_mails"], {"result": "failed"}) == 1
    assert value(found["crmkit_imports"], {"state": "planned"}) == 1
    assert value(found["crmkit_imports"], {"state": "done"}) == 0
    assert value(found["crmkit_webhook_deliveries_waiting"]) == 0
    assert value(found["crmkit_webhook_attempts"], {"result": "failed"}) == 0


@pytest.mark.parametrize(("status", "result", "other"), [(204, "delivered", "failed"), (500, "failed", "delivered")])
def test_attempts_to_deliver_to_webhooks_are_counted(tmp_path: Path, status: int, result: str, other: str) -> None:
    with (
        house(tmp_path / "data", {"CRMKIT_WEBHOOKS_ALLOW": "127.0.0.0/8"}) as home,
        receiver(lambda message: status) as there,
        home.sign_in(ALICE) as alice,
    ):
        webhook = made(alice, there, events=["contact.created"])
        assert alice.post("/contacts", json={"name": "Jane Doe"}).status_code == 201
        there.wait_for(1)
        deadline = time.monotonic() + 20
        while not (found := sent(alice, webhook)) or not found[0]["attempts"]:
            assert time.monotonic() < deadline
        told = families(home)
    assert value(told["crmkit_webhook_attempts"], {"result": result}) >= 1
    assert value(told["crmkit_webhook_attempts"], {"result": other}) == 0
    assert value(told["crmkit_webhook_deliveries_waiting"]) == (result == "failed")


def test_imports_that_run_are_counted(home: House) -> None:
    with home.sign_in(ALICE):
        pass
    with postgres.by_hand(home.folder) as connection:
        connection.execute(
            "INSERT INTO imports SELECT 4294967297, id, 'im_aaaaaaaa', 'running', '{}', '', 'x', 'x', '', '', '', '', "
            f"0, 0, 0, 0, 0, 0, '', 'jb_gone', NULL, '', '{home.crm.now}', NULL FROM workspaces"
        )
    assert value(families(home)["crmkit_imports"], {"state": "running"}) == 1


def test_the_reference_parser_reads_back_what_is_hostile() -> None:
    histogram = Histogram((0.5, 1.0))
    for seconds in (0.5, 0.6, 7.0):
        histogram.add(seconds)
    told = [
        Family("crmkit_a", "gauge", HOSTILE, [({"text": HOSTILE}, 1.5)]),
        Family("crmkit_b", "histogram", "b", [({}, histogram)]),
        Family("crmkit_c_total", "counter", "c", []),
    ]
    first, second, third = text_string_to_metric_families(written(told).decode())
    assert first.documentation == HOSTILE
    assert value(first, {"text": HOSTILE}) == 1.5
    assert [each.value for each in second.samples if "le" in each.labels] == [1, 2, 3]
    assert value(second, {}, "crmkit_b_sum") == 8.1
    assert (third.name, third.type, third.samples) == ("crmkit_c", "counter", [])


def test_a_value_at_a_bound_counts_below_it() -> None:
    requests = Requests()
    for seconds in (0.0, BOUNDS[0], BOUNDS[-1], BOUNDS[-1] + 1):
        requests.count("/", 200, seconds)
    seen = requests.routes["/"]
    assert (seen.counts[0], seen.counts[-2], seen.counts[-1]) == (2, 1, 1)
    assert seen.statuses == {200: 4}
    assert sum(seen.counts) == 4
