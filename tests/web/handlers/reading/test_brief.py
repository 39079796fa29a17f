"""The brief: what a session begins with, in one answer of at most 40 lines."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from crmkit.model.query.listing import MixedListing, Paging, Section
from crmkit.render.brief import cut, is_cut
from tests.house import House, Person
from tests.teams.office import Books, Team, enter, new, office, stepped, team, working_in

KEYS = ["now", "timezone", "since", *("overdue", "due_today", "changed", "pipeline", "closing", "quiet", "duplicates")]
LISTS = KEYS[3:]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("brief") / "data") as running:
        yield running


@pytest.fixture
def crew(home: House) -> Team:
    """A team on a Wednesday at nine, as at the beginning of each test."""
    home.clock.now = home.clock.now.replace(hour=9, minute=0, second=0)
    home.clock.move(days=(9 - home.clock.now.weekday()) % 7)
    assert home.clock.now.weekday() == 2
    return team(home)


def brief(person: Person, query: str = "") -> Any:
    return person.json_of("GET", f"/brief{query}")


def handles(found: list[dict[str, Any]]) -> list[str]:
    return [each["handle"] for each in found]


def marks(home: House, crew: Team, table: str = "briefs") -> list[dict[str, Any]]:
    with Books(home.folder) as books:
        return [row for row in books.rows(table) if row["workspace_id"] == crew.id]


def day(home: House, days: int = 0) -> str:
    then = home.clock.now.date().toordinal() + days
    return home.clock.now.date().fromordinal(then).isoformat()


def test_an_empty_workspace_is_told_what_to_do_next(home: House, crew: Team) -> None:
    text = crew.alice.text("GET", "/brief")
    assert [line for line in text.splitlines() if not line.startswith("#")] == []
    assert '# note: the workspace is empty; begin with POST /contacts {"name"' in text
    found = brief(crew.alice)
    assert list(found)[: len(KEYS)] == KEYS
    assert all(found[key] == [] for key in LISTS)
    assert (found["timezone"], found["now"][:10]) == ("UTC", day(home))
    assert len(found["notes"]) == 2
    new(crew.alice, "/contacts", name="Jane")
    assert "empty" not in crew.alice.text("GET", "/brief")


def test_what_is_due_is_told_mine_first_then_what_is_others(home: House, crew: Team) -> None:
    alice, yesterday, now = crew.alice, day(home, -1), f"{day(home)}T23:00:00Z"
    late = new(alice, "/tasks", title="Late", due_at=day(home, -3))
    mine = new(alice, "/tasks", title="Mine", due_at=yesterday, owner="me")
    bobs = new(alice, "/contacts", name="Bob's", follow_up_at=yesterday, owner=crew.bob.email)
    new(alice, "/tasks", title="Done", due_at=yesterday, done=True)
    new(alice, "/tasks", title="Tomorrow", due_at=day(home, 1))
    tonight = new(alice, "/deals", title="Tonight", follow_up_at=now)
    today = new(alice, "/tasks", title="Today", due_at=day(home), owner="me")
    found = brief(alice)
    assert handles(found["overdue"]) == [f"task/{mine}", f"task/{late}", f"contact/{bobs}"]
    assert handles(found["due_today"]) == [f"task/{today}", f"deal/{tonight}"]
    assert handles(brief(crew.bob)["overdue"]) == [f"contact/{bobs}", f"task/{late}", f"task/{mine}"]
    assert found["overdue"][0] == alice.json_of("GET", f"/tasks/{mine}")
    lines = alice.text("GET", "/brief").splitlines()
    assert lines[0].startswith(f"task/{mine}  title=Mine  due_at={yesterday}T00:00:00Z  owner={alice.email}")
    assert lines[3] == "# 3 overdue"
    assert lines[6] == "# 2 due today"


def test_what_is_due_agrees_with_reminders_on_what_is_overdue(home: House, crew: Team) -> None:
    alice = crew.alice
    alice.json_of("PATCH", crew.path, {"timezone": "Asia/Tokyo"})
    for hours in range(-40, 41):
        at = home.clock.now.replace(tzinfo=None)
        home.clock.move(hours=hours)
        stamp = home.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        home.clock.now = at.replace(tzinfo=home.clock.now.tzinfo)
        new(alice, "/tasks", title=f"T{hours}", due_at=stamp)
    for zone in ("UTC", "America/New_York", "Asia/Tokyo"):
        alice.json_of("PATCH", "/me", {"timezone": zone})
        due = alice.json_of("GET", "/reminders?days=3&limit=200")["items"]
        found = brief(alice)
        overdue = [item["handle"] for item in due if item["overdue"]]
        assert handles(found["overdue"]) == overdue[: len(found["overdue"])]
        assert found["totals"]["overdue"] == len(overdue)
        rest = [item["handle"] for item in due if not item["overdue"]]
        assert handles(found["due_today"]) == rest[: len(found["due_today"])]
        assert found["timezone"] == zone


def test_what_others_changed_is_told_and_not_what_i_changed(home: House, crew: Team) -> None:
    alice, bob = crew.alice, crew.bob
    jane, joe = new(alice, "/contacts", name="Jane"), new(alice, "/contacts", name="Joe")
    gone = new(bob, "/tasks", title="Gone")
    asked = bob.json_of("DELETE", f"/tasks/{gone}")
    assert bob.json_of("DELETE", f"/tasks/{gone}?confirm={asked['confirm']}")["ok"]
    home.clock.move(seconds=1)
    bob.json_of("PATCH", f"/contacts/{jane}", {"stage": "lead", "job_title": "boss"})
    home.clock.move(seconds=1)
    made = new(bob, "/companies", name="Acme")
    found = brief(alice)
    assert [(each["handle"], each["change"], each["by"]) for each in found["changed"]] == [
        (f"company/{made}", "created", bob.email),
        (f"contact/{jane}", "created", bob.email),
    ]
    assert handles(brief(bob)["changed"]) == [f"contact/{joe}", f"contact/{jane}"]
    path = found["more"]["changed"]
    assert path == f"/changes?since={found['since']}"
    assert [each for each in alice.json_of("GET", path)["items"] if each["by"] != alice.email] == found["changed"][::-1]


def test_what_others_changed_is_told_though_i_wrote_much_since_and_only_their_part(home: House, crew: Team) -> None:
    contact = new(crew.alice, "/contacts", name="Jane")
    home.clock.move(hours=1)
    since = f"since={home.clock.now:%Y-%m-%dT%H:%M:%SZ}"
    crew.bob.json_of("PATCH", f"/contacts/{contact}", {"city": "Pune"})
    crew.alice.json_of("PATCH", f"/contacts/{contact}", {"job_title": "CTO"})
    items = [{"name": f"Number {number}"} for number in range(800)]
    assert crew.alice.json_of("POST", "/contacts/batch", items)["created"] == 800
    (told,) = brief(crew.alice, f"?{since}")["changed"]
    assert (told["handle"], told["change"], told["fields"]) == (f"contact/{contact}", "updated", ["city"])
    assert "more changed" not in crew.alice.text("GET", f"/brief?{since}")


def test_the_mark_moves_once_ten_minutes_have_passed(home: House, crew: Team) -> None:
    alice, bob = crew.alice, crew.bob
    jane = new(bob, "/contacts", name="Jane")
    first = brief(alice)
    assert first["since"] == f"{day(home, -1)}T{first['now'][11:]}"
    assert handles(first["changed"]) == [f"contact/{jane}"]
    home.rested()
    home.clock.move(minutes=5)
    joe = new(bob, "/contacts", name="Joe")
    again = brief(alice)
    assert again["since"] == first["since"]
    assert handles(again["changed"]) == [f"contact/{joe}", f"contact/{jane}"]
    home.clock.move(minutes=5)
    later = brief(alice)
    home.rested()
    assert later["since"] == first["now"]
    assert handles(later["changed"]) == [f"contact/{joe}"]
    assert brief(alice)["since"] == first["now"]
    assert f"# note: changes since {first['now']}\n" in alice.text("GET", "/brief")
    home.clock.move(minutes=10)
    assert brief(alice)["changed"] == []
    assert handles(brief(bob)["changed"]) == []


def test_each_token_has_a_mark_of_its_own(home: House, crew: Team) -> None:
    other = working_in(crew.alice, crew.id)
    first = brief(crew.alice)
    home.rested()
    home.clock.move(minutes=11)
    assert brief(crew.alice)["since"] == first["now"]
    assert brief(other)["since"][:10] == day(home, -1)


def test_a_since_that_is_sent_overrides_the_mark_and_leaves_it(home: House, crew: Team) -> None:
    alice, bob = crew.alice, crew.bob
    jane = new(bob, "/contacts", name="Jane")
    first = brief(alice)
    home.rested()
    home.clock.move(minutes=11)
    assert brief(alice, f"?since={first['now']}")["since"] == first["now"]
    found = brief(alice, f"?since={day(home)}")
    assert found["since"] == f"{day(home)}T00:00:00Z"
    assert handles(found["changed"]) == [f"contact/{jane}"]
    assert brief(alice, f"?since={day(home, 1)}")["changed"] == []
    home.rested()
    assert [mark["asked_at"] for mark in marks(home, crew)] == [first["now"]]
    wrong = brief(alice, "?since=yesterdayish")
    assert (wrong["error"], list(wrong["fields"])) == ("invalid_value", ["since"])


def test_head_moves_no_mark(home: House, crew: Team) -> None:
    assert crew.alice.head("/brief").status_code == 200
    home.rested()
    assert marks(home, crew) == []


def test_a_mark_goes_with_its_token(home: House, crew: Team) -> None:
    other = working_in(crew.alice, crew.id)
    brief(other)
    home.rested()
    (mark,) = marks(home, crew)
    assert crew.alice.json_of("DELETE", f"/tokens/{mark['token_id']}")["ok"]
    assert marks(home, crew) == []


def test_open_deals_are_summed_by_stage_and_never_across_currencies(home: House, crew: Team) -> None:
    alice = crew.alice
    new(alice, "/deals", title="Deal", stage="Proposal", amount_cents=50, currency="USD")
    home.clock.move(seconds=1)  # a stage is spelled as the oldest record there
    for stage, cents, currency in [
        *(("proposal", 100, "USD"), ("proposal", 7, "EUR"), ("won", 1, "USD")),
        *((None, None, "USD"), ("proposal", -20, "USD"), ("lead", 1, "USD"), ("lead", 1, "USD")),
    ]:
        new(alice, "/deals", title="Deal", stage=stage, amount_cents=cents, currency=currency)
    lines = alice.text("GET", "/brief").splitlines()
    end = lines.index("# 4 rows of open deals by stage")
    assert lines[end - 4 : end] == [
        "deals  stage=Proposal  count=3  sum.amount_cents=130  currency=USD",
        "deals  stage=lead  count=2  sum.amount_cents=2  currency=USD",
        "deals  count=1  sum.amount_cents=0  currency=USD",
        "deals  stage=Proposal  count=1  sum.amount_cents=7  currency=EUR",
    ]
    assert brief(alice)["pipeline"][0] == {
        "stage": "Proposal",
        "count": 3,
        "sum.amount_cents": 130,
        "currency": "USD",
    }


def test_open_deals_that_close_between_monday_and_sunday_are_told(home: House, crew: Team) -> None:
    alice = crew.alice
    made = {days: new(alice, "/deals", title=f"{days}", close_date=day(home, days)) for days in (-3, -2, 0, 4, 5)}
    new(alice, "/deals", title="Won", close_date=day(home), status="won")
    new(alice, "/deals", title="Some day")
    found = brief(alice)
    assert handles(found["closing"]) == [f"deal/{made[days]}" for days in (-2, 0, 4)]
    listed = alice.json_of("GET", found["more"]["closing"])["items"]
    assert listed == found["closing"]
    home.clock.now = home.clock.now.replace(hour=23)
    home.clock.move(days=4)
    assert handles(brief(alice)["closing"]) == handles(found["closing"])
    alice.json_of("PATCH", "/me", {"timezone": "Asia/Tokyo"})  # where it is Monday already
    assert handles(brief(alice)["closing"]) == [f"deal/{made[5]}"]


def test_contacts_that_nobody_contacted_for_30_days_are_told_but_for_those_never_contacted(
    home: House, crew: Team
) -> None:
    alice = crew.alice
    old, older, fresh, noted = (new(alice, "/contacts", name=name) for name in ("Old", "Older", "Fresh", "Noted"))
    new(alice, "/contacts", name="Never")
    for id, days, kind in [(old, -31, "call"), (older, -99, "email"), (fresh, -29, "meeting"), (noted, -50, "note")]:
        new(alice, f"/contacts/{id}/activities", kind=kind, body="x", occurred_at=day(home, days))
    found = brief(alice)
    assert handles(found["quiet"]) == [f"contact/{old}", f"contact/{older}"]
    assert alice.json_of("GET", found["more"]["quiet"])["items"] == found["quiet"]


def test_pairs_that_are_likely_one_are_told_when_they_are_new(home: House, crew: Team) -> None:
    alice = crew.alice
    for _ in range(2):
        new(alice, "/contacts", name="Jane Kelason", phone="+49 30 1234567")
    found = brief(alice)
    (pair,) = found["duplicates"]
    assert pair == alice.json_of("GET", found["more"]["duplicates"])["items"][0]
    assert f"duplicates  a={pair['a']}  b={pair['b']}  reason=" in alice.text("GET", "/brief")
    home.clock.move(seconds=1)
    assert brief(alice, f"?since={home.clock.now:%Y-%m-%dT%H:%M:%SZ}")["duplicates"] == []


def test_forty_lines_hold_it_however_much_there_is_and_each_list_says_where_the_rest_is(
    home: House, crew: Team
) -> None:
    alice, bob = crew.alice, crew.bob
    for number in range(20):
        new(bob, "/tasks", title="Late", due_at=day(home, -1))
        new(bob, "/tasks", title="Today", due_at=day(home))
        new(bob, "/deals", title="Deal", stage=f"stage {number}", close_date=day(home))
        contact = new(bob, "/contacts", name="Quiet")
        new(bob, f"/contacts/{contact}/activities", kind="call", body="x", occurred_at=day(home, -40))
    text = alice.text("GET", "/brief")
    lines = text.splitlines()
    assert len(lines) == 40
    found = brief(alice)
    assert sum(len(found[key]) for key in LISTS) == sum(not line.startswith("#") for line in lines)
    for key, says in [
        *(("overdue", "overdue"), ("due_today", "due today"), ("pipeline", "rows of open deals by stage")),
        *(("closing", "deals closing this week"), ("quiet", "contacts not contacted for 30 days")),
    ]:
        assert f"# 20 {says}" in lines
        path = found["more"][key]
        assert f"# note: {20 - len(found[key])} more {says}: GET {path}" in lines
        assert found["totals"][key] == 20
        assert alice.get(path).status_code == 200
    assert found["at_least"] == ["changed"]
    assert lines[-2].startswith("# note: changes since ")
    assert lines[-1].startswith("# now: ")


@pytest.mark.parametrize("sizes", [*itertools.product((0, 1, 3, 13), repeat=3)])
def test_no_list_is_cut_as_long_as_there_is_room(sizes: tuple[int, ...]) -> None:
    lists = [
        Section(f"{at}", "things", MixedListing("things", (("things", {}),) * size, Paging()), size, "/things")
        for at, size in enumerate(sizes)
    ]
    for lines in (0, 2, 5, 12, 40):
        shown = cut(lists, lines)
        used = sum(len(each.page.rows) for each in shown) + sum(is_cut(each) for each in shown)
        assert used <= max(lines, len(lists))
        if sum(sizes) <= lines:
            assert not any(is_cut(each) for each in shown)


def test_another_workspace_shows_nothing_of_it(home: House, crew: Team) -> None:
    new(crew.alice, "/tasks", title="Secret", due_at=day(home, -1))
    new(crew.alice, "/deals", title="Secret", amount_cents=7, close_date=day(home))
    found = brief(crew.charlie)
    assert all(found[key] == [] for key in LISTS)


def test_erasing_the_workspace_leaves_no_mark_and_no_sums(home: House, crew: Team) -> None:
    new(crew.alice, "/deals", title="Deal", amount_cents=7)
    brief(crew.alice)
    home.rested()
    assert marks(home, crew)
    assert marks(home, crew, "open_sums")
    assert stepped(home, crew.alice, "DELETE", crew.path).status_code == 200
    assert marks(home, crew) == marks(home, crew, "open_sums") == []


def test_it_is_told_over_mcp(home: House) -> None:
    someone = enter(home, "mcp.brief@example.com")
    wanted = {"name": "read", "arguments": {"path": "/brief"}}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": wanted}
    assert "# 0 overdue" in someone.json_of("POST", "/mcp", call)["result"]["content"][0]["text"]
