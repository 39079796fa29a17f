"""What the published client for Python does against the base URL and with the key that are its arguments.

Each step raises where an answer is not what it should be. At the end every method of both clients was called.
"""

import asyncio
import inspect
import sys
from collections.abc import AsyncIterator
from typing import Any

from klozeo import (
    AsyncKlozeo,
    Attribute,
    BadRequestError,
    ExportFormat,
    Klozeo,
    Lead,
    ListOptions,
    NotFoundError,
    ScoringRuleInput,
    SortField,
    SortOrder,
    UnauthorizedError,
    UpdateLeadInput,
    WebhookInput,
    attr,
    attr_sort_field,
    category,
    city,
    country,
    email,
    location,
    name,
    or_,
    phone,
    rating,
    review_count,
    source,
    state,
    tags,
    website,
)

BASE, KEY = sys.argv[1:]


class Watched:
    """A client, plain or async, whose methods are awaited where they need it, and noted."""

    def __init__(self, made: type) -> None:
        self.client = made(KEY, base_url=f"{BASE}/", max_retries=0)
        self.called: set[str] = set()

    async def do(self, method: str, *args: Any, **more: Any) -> Any:
        self.called.add(method)
        found = getattr(self.client, method)(*args, **more)
        return await found if inspect.isawaitable(found) else found

    async def walk(self, *args: Any, **more: Any) -> list[Any]:
        self.called.add("iterate")
        found = self.client.iterate(*args, **more)
        return [each async for each in found] if isinstance(found, AsyncIterator) else [*found]

    async def refused(self, error: type[Exception], method: str, *args: Any) -> Exception:
        try:
            await self.do(method, *args)
        except error as told:
            return told
        raise AssertionError(f"{method} was not refused")


async def leads(watched: Watched, tag: str) -> str:
    """Go through leads, and return the id of one that stays."""
    do = watched.do
    attributes = [
        Attribute(name="industry", type="text", value="Software"),
        Attribute(name="employees", type="number", value=500),
        Attribute(name="open", type="bool", value=True),
        Attribute(name="brands", type="list", value=["A", "B"]),
        Attribute(name="social", type="object", value={"x": "y"}),
    ]
    whole = {
        **{"description": "Where it began", "address": "1 Main St", "city": "San Francisco", "state": "CA"},
        **{"country": "US", "postal_code": "94105", "latitude": 37.78, "longitude": -122.4, "phone": "+14155550100"},
        **{"email": f"{tag}@acme.com", "website": "https://acme.com", "rating": 4.5, "review_count": 12},
        **{"category": "IT", "tags": ["enterprise", tag], "source_id": f"ext-{tag}", "status": "contacted"},
        **{"logo_url": "https://acme.com/logo.png"},
    }
    sent = Lead(name=f"Acme {tag}", source="website", attributes=attributes, **whole)
    made = await do("create", sent)
    assert made.message == "Lead created successfully"
    assert made.duplicate is None
    assert made.created_at > 1_700_000_000
    again = await do("create", Lead(name=f"Acme {tag}", source="website", email=f"{tag.upper()}@ACME.com"))
    assert (again.id, again.duplicate) == (made.id, True)
    alike = await do("create", Lead(name=f"ACME {tag}", source="website", city="san francisco"))
    assert alike.potential_duplicate_id == made.id
    found = await do("get", made.id)
    assert found.model_dump(include={*whole}) == whole
    told = {each.name: (each.type, each.value) for each in found.attributes}
    assert told == {each.name: (each.type, each.value) for each in attributes}
    assert all(each.id for each in found.attributes)
    changed = await do("update", made.id, UpdateLeadInput(city="New York", rating=4.8, status="qualified"))
    assert (changed.city, changed.rating, changed.status, changed.email) == ("New York", 4.8, "qualified", sent.email)
    await do("delete", alike.id)
    await watched.refused(NotFoundError, "get", alike.id)
    wrong = await watched.refused(BadRequestError, "create", Lead(name="", source="x"))
    assert wrong.code == "bad_request"
    assert "name" in wrong.message
    return made.id


async def lists(watched: Watched, tag: str, id: str) -> None:
    """Go through every filter, sorts, pages and exports."""
    do, mine = watched.do, tags().contains(tag)
    finding = [
        *(city().eq("new york"), city().contains("York"), name().contains(tag), name().neq("x"), country().eq("US")),
        *(state().eq("CA"), category().eq("IT"), source().eq("website"), email().eq(f"{tag}@acme.com")),
        *(email().is_not_empty(), phone().eq("+14155550100"), phone().contains("4155"), website().contains("acme")),
        *(website().not_contains("nothing"), rating().eq(4.8), rating().neq(1), rating().gt(4), rating().gte(4.8)),
        *(rating().lt(5), rating().lte(4.8), review_count().eq(12), review_count().gt(11), review_count().lte(12)),
        *(tags().contains("enterprise"), tags().not_contains("other"), tags().is_not_empty()),
        *(location().is_set(), location().within_radius(37.7, -122.4, 20.0)),
        *(attr("industry").eq("Software"), attr("industry").neq("x"), attr("industry").contains("oft")),
        *(attr("employees").eq_number(500), attr("employees").gt(100), attr("employees").gte(500)),
        *(attr("employees").lt(501), attr("employees").lte(500.0), attr("open").eq("true")),
    ]
    for each in finding:
        page = await do("list", mine, each)
        assert ([lead.id for lead in page.leads], page.count, page.has_more) == ([id], 1, False), each
    missing = [
        *(city().is_empty(), city().not_contains("York"), tags().is_empty(), tags().not_contains("enterprise")),
        *(location().is_not_set(), location().within_radius(0, 0, 5), rating().lt(4), attr("employees").gt(500)),
    ]
    for each in missing:
        assert (await do("list", mine, each)).count == 0, each
    either = [or_().city().eq("New York"), or_().city().eq("Paris")]
    assert (await do("list", mine, *either)).count == 1
    more = [Lead(name=f"{tag} {number}", source="import", tags=[tag], rating=number) for number in range(60)]
    created = await do("batch_create", [*more, Lead(name="", source="x")])
    assert (created.success, created.failed, created.total, created.errors[0].index) == (60, 1, 61, 60)
    ids = [each.id for each in created.created]
    first = await do("list", mine, sort_by=SortField.RATING, sort_order=SortOrder.DESC, limit=20)
    assert [lead.rating for lead in first.leads[:2]] == [59, 58]
    assert first.has_more
    options = ListOptions().with_filter(mine).with_sort(SortField.RATING, SortOrder.DESC).with_limit(20)
    options = options.with_cursor(first.next_cursor)
    second = await do("list", options=options)
    assert second.leads[0].rating == 39
    assert len(await watched.walk(mine)) == 61
    for each in SortField:
        assert (await do("list", mine, sort_by=each, sort_order=SortOrder.ASC)).count == 50
    ordered = await do("list", mine, sort_by=attr_sort_field("employees"), sort_order=SortOrder.DESC)
    assert ordered.leads[0].id == id
    updated = await do("batch_update", [*ids, "cl_nothing"], UpdateLeadInput(source="Web"))
    assert (updated.success, updated.failed) == (60, 1)
    assert [each.success for each in updated.results] == [True] * 60 + [False]
    assert (await do("export", ExportFormat.CSV, mine)).decode().count("\r\n") == 62
    assert (await do("export", ExportFormat.JSON, mine, sort_by="rating")).startswith(b"[{")
    assert (await do("export", ExportFormat.XLSX, mine)).startswith(b"PK")
    deleted = await do("batch_delete", ids)
    assert (deleted.success, deleted.failed) == (60, 0)
    limits = await do("rate_limit_state")
    assert int(limits["X-RateLimit-Limit"]) > int(limits["X-RateLimit-Remaining"]) >= 0


async def parts(watched: Watched, id: str) -> None:
    """Go through notes, attributes, rules, scores and webhooks."""
    do = watched.do
    note = await do("create_note", id, "Spoke with the CEO")
    assert note.lead_id == id
    assert (await do("update_note", note.id, "Closed")).content == "Closed"
    assert [each.content for each in await do("list_notes", id)] == ["Closed"]
    await do("delete_note", note.id)
    assert await do("list_notes", id) == []

    for type_, value, then in (
        *(("text", "Italian", "Greek"), ("number", 5, 4.5), ("bool", True, False), ("list", ["a"], ["b", "c"])),
        ("object", {"a": 1}, {"y": "1"}),
    ):
        made = await do("create_attribute", id, Attribute(name=f"own {type_}", type=type_, value=value))
        assert (made.name, made.type, made.value) == (f"own {type_}", type_, value)
        await do("update_attribute", id, made.id, then)
        listed = {each.id: each.value for each in await do("list_attributes", id)}
        assert listed[made.id] == then
        await do("delete_attribute", id, made.id)
    assert len(await do("list_attributes", id)) == 5

    expression = "rating * 10 + (email != nil ? 3 : 0)"
    rule = await do("create_scoring_rule", ScoringRuleInput(name="Rating", expression=expression, priority=2))
    assert (rule.name, rule.expression, rule.priority) == ("Rating", expression, 2)
    assert await do("recalculate_score", id) == 51
    await do("update_scoring_rule", rule.id, ScoringRuleInput(expression="attr_employees > 100 ? 7 : 0"))
    assert (await do("get_scoring_rule", rule.id)).expression == "attr_employees > 100 ? 7 : 0"
    assert await do("recalculate_score", id) == 7
    assert [each.id for each in await do("list_scoring_rules")] == [rule.id]
    await do("delete_scoring_rule", rule.id)
    await watched.refused(NotFoundError, "get_scoring_rule", rule.id)

    url = "https://webhooks.invalid/hook"
    webhook = await do("create_webhook", WebhookInput(url=url, events=["lead.created", "lead.updated"], secret="s"))
    assert (webhook.url, webhook.events, webhook.active) == (url, ["lead.created", "lead.updated"], True)
    assert isinstance(webhook.created_at, str)
    every = await do("create_webhook", WebhookInput(url=url))
    assert len(every.events) == 11
    assert {each.id for each in await do("list_webhooks")} == {webhook.id, every.id}
    for each in (webhook, every):
        await do("delete_webhook", each.id)
    assert await do("list_webhooks") == []
    await watched.refused(NotFoundError, "delete_webhook", webhook.id)
    assert (await watched.refused(BadRequestError, "create_webhook", WebhookInput(url="x"))).code == "bad_request"


async def main() -> None:
    for made in (Klozeo, AsyncKlozeo):
        watched, tag = Watched(made), made.__name__.lower()
        id = await leads(watched, tag)
        await lists(watched, tag, id)
        await parts(watched, id)
        closing = "close" if hasattr(watched.client, "close") else "aclose"
        await watched.do(closing)
        offered = {method for method in dir(made) if not method.startswith("_")}
        assert offered == watched.called, offered ^ watched.called
    stranger = Klozeo("sk_live_0123456789abcdef", base_url=BASE, max_retries=0)
    try:
        stranger.get("cl_nothing")
    except UnauthorizedError as error:
        assert error.code == "unauthorized"
    else:
        raise AssertionError("a wrong key was not refused")
    print("done")


asyncio.run(main())
