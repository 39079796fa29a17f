"""The routes of scoring: rules, and the score of one lead or of all. A rule is one of contacts."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from crmkit.core.configuration import rights
from crmkit.core.jobs.kind import Result
from crmkit.core.reading import lists, opened
from crmkit.core.records import write
from crmkit.core.records.settled import Saved
from crmkit.core.scoring import explain, run
from crmkit.core.scoring.explain import Explained
from crmkit.errors import Problem
from crmkit.faces.answers import Given
from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo.answering import route
from crmkit.faces.klozeo.lead import seconds
from crmkit.faces.klozeo.routes.leads import contact_id, nothing, page
from crmkit.faces.klozeo.words import FIELDS, READ_ONLY, THEIRS
from crmkit.model.fields import Integer, LongText, Number, Text
from crmkit.model.form import REQUIRED, form_of
from crmkit.model.record import Kinds
from crmkit.records.contact import CONTACT
from crmkit.records.settings.rule import LOWEST
from crmkit.render.answers import Answer
from crmkit.storage.jobs import Job
from crmkit.web.call import HttpCall
from crmkit.web.route import FREE, Route

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\W\d]\w*(?:\.\w+)?')  # a text, which stays, or a name


class RuleBody:
    name: Annotated[str, Text(200), REQUIRED, "what it is for"]
    expression: Annotated[str, LongText(20_000), REQUIRED, "its value"]
    weight: Annotated[float | None, Number(), "points for a value of 1"]
    priority: Annotated[int | None, Integer(LOWEST, -LOWEST - 1), "its place, the lowest first"]


RULE = form_of(RuleBody, "rule")


def named(expression: str, names: Mapping[str, str]) -> str:
    """Return an expression with other names of fields."""
    return _WORD.sub(lambda found: names.get(found[0], found[0]), expression)


def routes(kinds: Kinds) -> list[Route]:
    """Return the routes of rules and scores."""
    contact, rule = kinds.by_word[CONTACT.plural], kinds.by_word["rule"]
    path, one = "/scoring-rules", "/scoring-rules/{id}"

    async def own_id(call: HttpCall, id: str) -> str:
        """Return our id of a rule; raises `not_found` also for one of another kind of records."""
        bare = ids.ours(id, "", rule.prefix)
        found: Any = await lists.fetch(call, rule, bare)
        if found.kind != contact.name:
            raise Problem("not_found", "No rule has this id.")
        return bare

    async def drafted(call: HttpCall) -> dict[str, Any]:
        """Return what a body says of a rule; what only the server writes is left out, since Go sends that too."""
        sent = await call.body()
        return RULE.draft({name: value for name, value in sent.items() if name not in READ_ONLY})

    def body_of(values: Mapping[str, Any]) -> dict[str, Any]:
        body = {**values}
        if body.get("expression"):
            body["expression"] = named(body["expression"], FIELDS)
        return body

    def shows_made(call: HttpCall, saved: Saved) -> Answer:
        return Given({**_rule_of(saved.record), **({"id": None} if call.is_dry else {})}, 201)

    def shows_changed(_: HttpCall, saved: Saved) -> Answer:
        return Given(_rule_of(saved.record))

    @route("GET", path, "list_rules", rule, "read")
    async def list_rules(call: HttpCall) -> Answer:
        found, _ = await page(call, rule, [("kind", f"eq:{contact.name}"), ("sort", "priority,created_at")])
        return Given({"rules": [_shown(each) for each in found]})

    @route("POST", path, "create_rule", rule, "write", form=RULE, shows=shows_made, status=201)
    async def create_rule(call: HttpCall) -> Saved:
        values = await drafted(call)
        RULE.check_required(values)
        return await write.save(call, rule, {**body_of(values), "kind": contact.name})

    @route("GET", one, "get_rule", rule, "read")
    async def get_rule(call: HttpCall, id: str) -> Answer:
        return Given(_rule_of(await lists.fetch(call, rule, await own_id(call, id))))

    @route("PUT", one, "change_rule", rule, "write", form=RULE, shows=shows_changed)
    async def change_rule(call: HttpCall, id: str) -> Saved:
        values = await drafted(call)
        return await write.change(call, rule, await own_id(call, id), body_of(values), call.if_match())

    @route("DELETE", one, "delete_rule", rule, "delete", status=204, shows=nothing)
    async def delete_rule(call: HttpCall, id: str) -> Saved:
        return await write.remove(call, rule, await own_id(call, id), call.if_match())

    @route(
        *("POST", "/leads/{id}/score", "score_lead", contact, "write"),
        area=contact,
        also=("scoring.read", opened.scope(contact)),
        consent=FREE,
        shows=_shows_score,
    )
    async def score_lead(call: HttpCall, id: str) -> Explained:
        return await explain.score(call, contact, contact_id(contact, id))

    @route(
        *("POST", "/leads/score/batch", "score_leads", contact, "write"),
        area="scoring",
        consent=FREE,
        statuses=(202,),
        shows=_shows_run,
    )
    async def score_leads(call: HttpCall) -> Result | Job:
        await rights.check_admin(call)
        return await run.begin(call, {"kind": contact.name})

    return [list_rules, create_rule, get_rule, change_rule, delete_rule, score_lead, score_leads]


def _rule_of(record: Any) -> dict[str, Any]:
    names = ("id", "name", "expression", "weight", "priority", "created_at", "updated_at")
    return _shown({name: getattr(record, name) for name in names})


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": ids.of(values["id"]),
        "name": values["name"],
        "expression": named(values["expression"], THEIRS),
        "weight": values["weight"],
        "priority": values["priority"],
        "created_at": seconds(values["created_at"]),
        "updated_at": seconds(values["updated_at"]),
    }


def _shows_score(_: HttpCall, found: Explained) -> Answer:
    return Given({"id": ids.of(found.record.id, ids.LEAD), "score": found.score})


def _shows_run(_: HttpCall, value: Result | Job) -> Answer:
    if isinstance(value, Job):
        return Given({"message": "Scores are being recalculated", "job": value.id}, 202)
    return Given({"message": "Scores recalculated"})
