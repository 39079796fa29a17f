"""Figures of a period: the summary, the funnel and campaigns equal what lists and the log add up to."""

import csv
import io
import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crmkit.clock import after
from crmkit.core.analytics import spans as of_figures
from crmkit.storage.analytics import contacts
from tests.house import House, Person
from tests.teams.office import Team, erased, new, office, team
from tests.web.refused import refused

PLACES = ("summary", "funnel", "campaigns")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
STAGES = ("lead", "Talks", "proposal", "won", "lost")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("analytics") / "data") as running:
        yield running


@pytest.fixture
def alice(home: House) -> Person:
    return team(home).alice


@pytest.fixture(scope="module")
def busy(home: House) -> Team:
    """A workspace in which a lot happened during forty days around the end of daylight saving in Berlin."""
    home.clock.now = home.clock.now.replace(month=10, day=10, hour=21, minute=30, second=0)
    crew, choice = team(home), random.Random(7)
    alice = crew.alice
    stages = [{"name": "lead"}, {"name": "Talks"}, {"name": "won", "means": "won"}, {"name": "lost", "means": "lost"}]
    assert alice.put("/pipelines/deals", json={"stages": stages}).status_code == 200
    campaigns = [new(alice, "/campaigns", name=f"Campaign {number}") for number in range(4)]
    contacts: list[str] = []
    deals: list[str] = []
    for _ in range(90):
        home.clock.move(hours=choice.choice([1, 5, 11, 17]), minutes=choice.choice([0, 29, 30, 59]))
        what = choice.randrange(8)
        if what <= 1 or len(contacts) < 3:
            contacts.append(new(alice, "/contacts", name="Jane", stage=choice.choice([None, "lead", "Lead"])))
            for campaign in choice.sample(campaigns[:3], choice.randrange(3)):
                alice.post(f"/campaigns/{campaign}/members", json={"id": contacts[-1]})
        elif what <= 3 or len(deals) < 3:
            currency, amount = choice.choice(["USD", "EUR"]), choice.choice([None, 100, -7, 2**53 - 1])
            deals.append(new(alice, "/deals", title="x", amount_cents=amount, currency=currency))
        elif what == 4:
            kind, place = choice.choice(["call", "email", "note"]), choice.choice(contacts)
            then = after(home.clock.now.isoformat(), days=choice.choice([-9, 0, 0, 2]))
            new(alice, f"/contacts/{place}/activities", kind=kind, occurred_at=then, body="x")
        elif what == 5:
            value, currency = choice.choice([None, 500]), choice.choice(["USD", "EUR"])
            new(alice, "/conversions", contact_id=choice.choice(contacts), platform="meta", value_cents=value,
                currency=currency)  # fmt: skip
        else:
            path = choice.choice([f"/deals/{choice.choice(deals)}", f"/contacts/{choice.choice(contacts)}"])
            custom = {"custom": {"stage": [1, 2]}} if choice.random() < 0.2 else {"stage": choice.choice(STAGES)}
            assert alice.patch(path, json=custom).status_code == 200
    return crew


def figures(person: Person, place: str, query: str = "") -> Any:
    return person.json_of("GET", f"/analytics/{place}{query}")


def rows(person: Person, place: str, query: str = "") -> list[dict[str, Any]]:
    return figures(person, place, query)["items"]


def everything(person: Person, path: str) -> list[dict[str, Any]]:
    found, cursor, glue = [], "", "&" if "?" in path else "?"
    while cursor is not None:
        page = person.json_of("GET", f"{path}{glue}limit=200{cursor and f'&cursor={cursor}'}")
        found += page["items"]
        cursor = page["next_cursor"]
    return found


def added(amounts: list[int | None]) -> int | None:
    filled = [amount for amount in amounts if amount is not None]
    return sum(filled) if filled else None


def spans(home: House, zone: str) -> Iterator[tuple[str, str, str]]:
    """Yield (query, first second, last second), the seconds as stamps."""
    choice, now = random.Random(zone), home.clock.now.astimezone(ZoneInfo(zone))
    yield "", *days(now, 29, 0, zone)
    yield "from=-9d&to=now", *(f"{home.clock.now - timedelta(days=each):%Y-%m-%dT%H:%M:%SZ}" for each in (9, 0))
    yield "period=this_week", *days(now, now.weekday(), now.weekday() - 6, zone)
    yield "period=last_week", *days(now, now.weekday() + 7, now.weekday() + 1, zone)
    yield "period=today", *days(now, 0, 0, zone)
    yield "period=last_7_days", *days(now, 6, 0, zone)
    yield "period=all_time", "0", "9"
    for _ in range(4):
        last = choice.randrange(30)
        first = last + choice.randrange(20)
        since, until = (now - timedelta(days=first)).date(), (now - timedelta(days=last)).date()
        yield f"from={since}&to={until}", *days(now, first, last, zone)
    at = home.clock.now - timedelta(days=choice.randrange(30), hours=5)
    stamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    yield f"from={stamp}&period=today", stamp, f"{home.clock.now:%Y-%m-%dT%H:%M:%SZ}"
    yield f"to={stamp}", "0", stamp


def days(now: datetime, first: int, last: int, zone: str) -> tuple[str, str]:
    """Return the first second of the day `first` days ago, the last of the day `last` days ago."""
    start = datetime.combine((now - timedelta(days=first)).date(), datetime.min.time(), ZoneInfo(zone))
    end = datetime.combine((now - timedelta(days=last - 1)).date(), datetime.min.time(), ZoneInfo(zone))
    utc = ZoneInfo("UTC")
    return (
        f"{start.astimezone(utc):%Y-%m-%dT%H:%M:%SZ}",
        f"{end.astimezone(utc) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}",
    )


@pytest.mark.parametrize("zone", ZONES)
def test_the_summary_equals_what_lists_and_the_log_add_up_to(home: House, busy: Team, zone: str) -> None:
    alice = busy.alice
    contacts, deals = everything(alice, "/contacts"), everything(alice, "/deals")
    activities, log = everything(alice, "/activities"), everything(alice, "/audit")
    now = f"{home.clock.now:%Y-%m-%dT%H:%M:%SZ}"
    firsts: dict[str, str] = {}
    for each in activities:
        if each["kind"] in ("call", "email", "meeting") and each["contact_id"] and each["occurred_at"] <= now:
            firsts[each["contact_id"]] = min(firsts.get(each["contact_id"], "9"), each["occurred_at"])
    for query, since, until in spans(home, zone):
        counts, *money = rows(alice, "summary", f"?timezone={zone}&{query}")
        closed = [each for each in deals if each["closed_at"] and since <= each["closed_at"] <= until]
        won = [each for each in closed if each["status"] == "won"]
        moves = [
            each["target"]
            for each in log
            if since <= each["at"] <= until
            and each["action"].endswith(".update")
            and each["target"].startswith(("contact/", "deal/"))
            and "stage" in each["changes"]
        ]
        expected = {
            "created.contacts": sum(since <= each["created_at"] <= until for each in contacts),
            "created.deals": sum(since <= each["created_at"] <= until for each in deals),
            "contacted": sum(since <= first <= until for first in firsts.values()),
            "moved": len(set(moves)),
            "won": len(won),
            "lost": len(closed) - len(won),
        }
        assert {name: counts[name] for name in expected} == expected, query
        assert (counts["won.amount_cents"], counts["currency"]) == (None, None)
        sums = {row["currency"]: row["won.amount_cents"] for row in money}
        by_hand = {
            currency: added([each["amount_cents"] for each in won if each["currency"] == currency])
            for currency in sorted({each["currency"] for each in won})
        }
        assert sums == by_hand, query
        assert all(row[name] is None for row in money for name in expected)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("plural", ["deals", "contacts"])
def test_the_funnel_equals_the_listed_records_by_stage(home: House, busy: Team, zone: str, plural: str) -> None:
    listed, seen = everything(busy.alice, f"/{plural}"), 0
    order = ["lead", "talks", "won", "lost"] if plural == "deals" else ["won", "lost"]
    others = 9 if plural == "deals" else -1  # contacts have no pipeline of their own here, so the ends come last
    for query, since, until in spans(home, zone):
        chosen = [each for each in listed if since <= each["created_at"] <= until]
        found = rows(busy.alice, "funnel", f"?kind={plural}&timezone={zone}&{query}")
        sizes: Counter[Any] = Counter()
        for row in found:
            money = {"sum.amount_cents", "currency"} if plural == "deals" else set()
            assert set(row) == {"stage", "count", "share"} | money
            sizes[(row["stage"] or "").lower()] += row["count"]
            assert row["share"] == round(row["count"] / len(chosen), 4)
        assert sizes == Counter((each["stage"] or "").lower() for each in chosen), query
        stages = list(dict.fromkeys((row["stage"] or "").lower() for row in found))
        ranked = sorted(
            stages,
            key=lambda stage: (order.index(stage) if stage in order else others, stage == "", -sizes[stage], stage),
        )
        assert stages == ranked
        if plural == "deals":
            sums = Counter[Any]()
            for each in chosen:
                sums[(each["stage"] or "").lower(), each["currency"]] += each["amount_cents"] or 0
            shown = {((row["stage"] or "").lower(), row["currency"]): row["sum.amount_cents"] for row in found}
            assert {key: amount for key, amount in shown.items() if amount} == {k: v for k, v in sums.items() if v}
        seen += len(found)
    assert seen


@pytest.mark.parametrize("zone", ZONES)
def test_campaigns_equal_their_listed_members_and_the_conversions_of_those(home: House, busy: Team, zone: str) -> None:
    alice = busy.alice
    campaigns, conversions = everything(alice, "/campaigns"), everything(alice, "/conversions")
    members = {each["id"]: everything(alice, f"/campaigns/{each['id']}/members") for each in campaigns}
    for query, since, until in spans(home, zone):
        found = rows(alice, "campaigns", f"?timezone={zone}&{query}")
        assert [row["members"] for row in found if row["members"] is not None] == sorted(
            (row["members"] for row in found if row["members"] is not None), reverse=True
        )
        for campaign in campaigns:
            own = [row for row in found if row["campaign_id"] == campaign["id"]]
            joined = sum(since <= each["joined_at"] <= until for each in members[campaign["id"]])
            ids = {each["id"] for each in members[campaign["id"]]}
            its = [each for each in conversions if each["contact_id"] in ids and since <= each["occurred_at"] <= until]
            assert bool(own) == bool(joined or its), query
            if not own:
                continue
            assert {row["name"] for row in own} == {campaign["name"]}
            assert [row["members"] for row in own] == [joined, *[None] * (len(own) - 1)]
            assert sum(row["conversions"] for row in own) == len(its)
            sums = Counter({row["currency"]: row["value_cents"] for row in own if row["value_cents"] is not None})
            by_hand = Counter[str]()
            for each in its:
                by_hand[each["currency"]] += each["value_cents"] or 0
            assert {k: v for k, v in sums.items() if v} == {k: v for k, v in by_hand.items() if v}


def test_the_summary_is_a_row_of_counts_and_then_one_for_each_currency(home: House, alice: Person) -> None:
    new(alice, "/contacts", name="Jane", stage="lead")
    for amount, currency in ((100, "USD"), (200, "USD"), (5, "EUR")):
        new(alice, "/deals", title="x", amount_cents=amount, currency=currency, stage="won")
    lost = new(alice, "/deals", title="y", amount_cents=7)
    alice.patch(f"/deals/{lost}", json={"stage": "lost"})
    day = f"{home.clock.now:%Y-%m-%d}"
    first = f"{home.clock.now - timedelta(days=29):%Y-%m-%d}"
    assert alice.text("GET", "/analytics/summary").splitlines() == [
        "analytics  created.contacts=1  created.deals=4  contacted=0  moved=1  won=3  lost=1  period=last_30_days  "
        f"from={first}T00:00:00Z  to={day}T23:59:59Z",
        "analytics  won.amount_cents=5  currency=EUR",
        "analytics  won.amount_cents=300  currency=USD",
        "# 3 rows",
    ]
    found = figures(alice, "summary")
    assert list(found) == ["period", "from", "to", "items", "total", "next_cursor"]
    assert (found["period"], found["from"], found["to"]) == (
        "last_30_days",
        f"{first}T00:00:00Z",
        f"{day}T23:59:59Z",
    )
    assert len({tuple(row) for row in found["items"]}) == 1


def test_the_funnel_tells_its_period_below_and_ends_with_what_the_pipeline_does_not_have(
    home: House, alice: Person
) -> None:
    alice.put("/pipelines/deals", json={"stages": [{"name": "Talks"}, {"name": "Won", "means": "won"}]})
    for stage, amount in (("won", 5), ("talks", 7), ("TALKS", 3), ("other", None), (None, 1)):
        new(alice, "/deals", title="x", stage=stage, amount_cents=amount)
    day = f"{home.clock.now:%Y-%m-%d}"
    assert alice.text("GET", "/analytics/funnel?period=today").splitlines() == [
        "deals  stage=Talks  count=2  share=0.4  sum.amount_cents=10  currency=USD",
        "deals  stage=Won  count=1  share=0.2  sum.amount_cents=5  currency=USD",
        "deals  stage=other  count=1  share=0.2",
        "deals  count=1  share=0.2  sum.amount_cents=1  currency=USD",
        "# 4 rows",
        f"# period: today  from {day}T00:00:00Z to {day}T23:59:59Z",
    ]
    assert rows(alice, "funnel", "?kind=deal") == rows(alice, "funnel")
    assert figures(alice, "funnel", "?kind=contact")["items"] == []


def test_a_stage_has_one_spelling_in_all_its_rows(alice: Person) -> None:
    for stage, currency in (("Lead", "USD"), ("lead", "EUR"), ("LEAD", "EUR")):
        new(alice, "/deals", title="x", stage=stage, currency=currency, amount_cents=1)
    assert [(row["stage"], row["count"], row["currency"]) for row in rows(alice, "funnel")] == [
        ("Lead", 2, "EUR"),
        ("Lead", 1, "USD"),
    ]


def test_counts_the_funnel_and_the_brief_spell_a_stage_alike(home: House, alice: Person) -> None:
    def spellings() -> list[str]:
        asked = (f"/deals/count?by=stage{more}" for more in ("", "&sum=amount_cents", "&title=b"))
        found = [row for path in asked for row in alice.json_of("GET", path)["items"]]
        found += rows(alice, "funnel") + alice.json_of("GET", "/brief")["pipeline"]
        return [row["stage"] for row in found]

    ids = [new(alice, "/deals", title=stage[-1:], stage=stage) for stage in ("Lead", "lead", "lead", "LEAD")]
    new(alice, "/deals", title="b", stage="lead")
    assert spellings() == ["Lead"] * 5
    home.clock.move(seconds=1)
    new(alice, "/deals", title="b", stage="LEAD")
    assert spellings() == ["Lead"] * 5
    erased(alice, f"/deals/{ids[0]}")
    assert spellings() == ["lead"] * 5
    alice.put("/pipelines/deals", json={"stages": [{"name": "LeaD"}]})
    assert spellings() == ["LeaD"] * 5


@pytest.mark.parametrize("place", PLACES)
def test_rows_of_figures_are_lines_of_csv_and_of_json_too(busy: Team, place: str) -> None:
    items = rows(busy.alice, place, "?period=all_time")
    path = f"/analytics/{place}?period=all_time"
    head, *lines = csv.reader(io.StringIO(busy.alice.text("GET", f"{path}&format=csv")))
    assert head == list(items[0])
    assert lines == [["" if value is None else str(value) for value in item.values()] for item in items]
    assert list(map(json.loads, busy.alice.text("GET", f"{path}&format=jsonl").splitlines())) == items
    assert items


def test_the_bounds_that_an_answer_shows_ask_for_the_same_figures(busy: Team) -> None:
    for place in PLACES:
        for query in ("", "?period=today&timezone=Asia/Tokyo", "?to=2026-11-01"):
            found = figures(busy.alice, place, query)
            bounds = "&".join(f"{name}={found[name]}" for name in ("from", "to") if found[name])
            again = figures(busy.alice, place, f"?{bounds}")
            assert again["period"] is None
            for one in (found, again):
                for row in one["items"]:
                    row.pop("period", None)
            assert (again["items"], again["from"], again["to"]) == (found["items"], found["from"], found["to"])


REFUSED = {
    "period=last_monht": {"period": r"must be today, .* \(did you mean last_month"},
    "from=2026-06-11&to=2026-06-10": {"from": "is after to"},
    "from=2026-06-10T09:00:01Z&to=2026-06-10T09:00:00Z": {"from": "is after to"},
    "from=9999-01-01": {"from": "is after now"},
    "from=juni": {"from": "must be a time"},
    "to=2026-02-30": {"to": "must be a time"},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("query", REFUSED)
def test_a_period_that_cannot_be_is_refused(alice: Person, place: str, query: str) -> None:
    refused(alice, "invalid_value", "GET", f"/analytics/{place}?{query}", fields=REFUSED[query])


def test_a_kind_without_stages_is_refused(alice: Person) -> None:
    wrong = {"kind": "must be one of contacts, deals"}
    refused(alice, "invalid_value", "GET", "/analytics/funnel?kind=companies", fields=wrong)


def test_what_one_figure_does_not_count_is_told(busy: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, query = busy.alice, "?period=all_time"
    whole = figures(alice, "summary", query)
    assert "notes" not in whole
    funnel = rows(alice, "funnel", query)
    total = sum(row["count"] for row in funnel)
    monkeypatch.setattr(of_figures, "READ", 3)
    monkeypatch.setattr(of_figures, "ROWS", 1)
    monkeypatch.setattr(contacts, "AT_ONCE", 0)
    found = figures(alice, "summary", query)
    assert found["notes"] == [
        "contacted is of the newest 3 activities: there may be more",
        "moved is of the newest 3 changes of stages: there may be more",
    ]
    for row, before in zip(found["items"], whole["items"], strict=True):
        assert all(row[name] == before[name] for name in row if name not in ("contacted", "moved"))
    assert found["items"][0]["moved"] <= 3 < whole["items"][0]["moved"]
    notes = figures(alice, "funnel", query)["notes"]
    assert notes[0] == f"of {total} deals, the newest 3 are counted"
    assert figures(alice, "campaigns", query)["notes"][0].endswith("more rows are left out")
    monkeypatch.setattr(of_figures, "READ", 10_000)
    assert rows(alice, "summary", query) == whole["items"]


@pytest.mark.parametrize("place", PLACES)
def test_one_workspace_is_not_in_the_figures_of_another(home: House, busy: Team, place: str) -> None:
    stranger = team(home).alice
    found = figures(stranger, place, "?period=all_time")["items"]
    assert all(not row[name] for row in found for name in row if name != "period")
    assert figures(busy.alice, place, "?period=all_time")["items"] != found
