"""The routes of many leads at once, each of which may be refused alone."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from crmkit.core.many import batch
from crmkit.core.many.batch import Outcome
from crmkit.core.records import write
from crmkit.core.records.settled import Saved
from crmkit.errors import Problem
from crmkit.faces.answers import Given
from crmkit.faces.klozeo.answering import message, route
from crmkit.faces.klozeo.lead import drafted
from crmkit.faces.klozeo.routes.leads import contact_id, saved_lead
from crmkit.model.record import Kinds
from crmkit.records.contact import CONTACT
from crmkit.render.answers import Answer
from crmkit.storage.interface.tx import Unit
from crmkit.web.call import HttpCall
from crmkit.web.route import FREE, Route

T = TypeVar("T")

MOST = 500  # leads in one request
MAX_BODY = 16 * 1024**2
_LARGE: Mapping[str, Any] = {"status": 201, "max_body": MAX_BODY}

Changed = Sequence[tuple[str, Outcome]]  # each id that was sent, and what became of it


def routes(kinds: Kinds) -> list[Route]:
    """Return the routes of batches of leads."""
    contact = kinds.by_word[CONTACT.plural]
    path = "/leads/batch"

    @route("POST", path, "create_leads", contact, "write", shows=_shows_made, statuses=(207,), **_LARGE)
    async def create_leads(call: HttpCall) -> list[Outcome]:
        bodies = [_tried(partial(_draft, each)) for each in _listed(await call.body(), "leads")]
        return await batch.save(call, contact, bodies, merges_alike=True)

    @route("PUT", path, "change_leads", contact, "write", shows=_shows_changed, statuses=(207,), max_body=MAX_BODY)
    async def change_leads(call: HttpCall) -> Changed:
        sent = await call.body()
        ids, data = _ids(sent), sent.get("data")
        if not isinstance(data, dict) or not data:
            raise Problem("missing_field", "Send what is to change as data.", fields={"data": "must be an object"})
        body = drafted(data, is_new=False)

        def unit(id: str) -> Unit[Saved]:
            return write.changing(call.crm, contact, contact_id(contact, id), body, call.asker)

        return await batch.named(call, [(id, _tried(partial(unit, id))) for id in ids])

    # many deletes are not proposed, since the body of a DELETE is not kept: no `kind` is declared
    @route("DELETE", path, "delete_leads", contact, "delete", area=contact, shows=_shows_changed, consent=FREE)
    async def delete_leads(call: HttpCall) -> Changed:
        ids = _ids(await call.body())

        def unit(id: str) -> Unit[Saved]:
            return write.removing(kinds, contact, contact_id(contact, id))

        return await batch.named(call, [(id, _tried(partial(unit, id))) for id in ids])

    return [create_leads, change_leads, delete_leads]


def _shows_made(call: HttpCall, made: Sequence[Outcome]) -> Answer:
    created, errors = list[dict[str, Any]](), list[dict[str, Any]]()
    for index, each in enumerate(made):
        if isinstance(each, Problem):
            errors.append({"index": index, "message": message(each)})
            continue
        lead = saved_lead(call, each)
        told = ("id", "created_at", "duplicate", "potential_duplicate_id")
        created.append({"index": index, **{name: lead[name] for name in told if name in lead}})
    return Given({"created": created, "errors": errors, **_counts(made)}, 207 if errors else 201)


def _shows_changed(_: HttpCall, changed: Changed) -> Answer:
    results = [
        {"index": index, "id": id, "success": False, "message": message(each)}
        if isinstance(each, Problem)
        else {"index": index, "id": id, "success": True}
        for index, (id, each) in enumerate(changed)
    ]
    counts = _counts([each for _, each in changed])
    return Given({"results": results, **counts}, 207 if counts["failed"] else 200)


def _counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    failed = sum(isinstance(each, Problem) for each in outcomes)
    return {"total": len(outcomes), "success": len(outcomes) - failed, "failed": failed}


def _draft(sent: Any) -> dict[str, Any]:
    if not isinstance(sent, dict):
        raise Problem("invalid_value", "Send each lead as an object.")
    return drafted(sent, is_new=True)


def _tried(make: Callable[[], T]) -> T | Problem:
    try:
        return make()
    except Problem as problem:
        return problem


def _ids(sent: Mapping[str, Any]) -> list[str]:
    found = _listed(sent, "ids")
    if not all(isinstance(each, str) for each in found):
        raise Problem("invalid_value", "Send ids as a list of texts.", fields={"ids": "must be texts"})
    return found


def _listed(sent: Mapping[str, Any], name: str) -> list[Any]:
    """Return the list that a body has, of 1 to MOST; raises `invalid_value`, `missing_field`."""
    found = sent.get(name)
    if found is None:
        raise Problem("missing_field", f"Send {name} as a list.", fields={name: "is required"})
    if not isinstance(found, list) or not found:
        raise Problem("invalid_value", f"Send {name} as a list.", fields={name: f"must be a list of 1 to {MOST}"})
    if len(found) > MOST:
        wrong = {name: f"has {len(found):,}; at most {MOST} fit into one request"}
        raise Problem("invalid_value", "Split it into several requests: nothing was written.", fields=wrong)
    return found
