"""The answer to a write: what its route shows of the value, with its operation; replayed under a key; or a dry run."""

import hashlib
from collections.abc import Mapping
from typing import Any

from crmkit.core.call import Call
from crmkit.core.requests.keyed import Keyed
from crmkit.core.requests.wrapper import DryRun, Outcome
from crmkit.errors import Problem
from crmkit.model.form import MAX_UNKNOWN_FIELDS_SHOWN
from crmkit.render.hidden import without
from crmkit.render.tail import Tail
from crmkit.storage.requests.answers import Sent
from crmkit.web.call import HttpCall
from crmkit.web.proposed import asking
from crmkit.web.reply import Response, respond
from crmkit.web.route import Route, Shows

KEY = "Idempotency-Key"
KEY_HEADER = KEY.lower().encode()
MAX_KEY = 255  # characters
REPLAYED = (b"idempotent-replayed", b"true")


async def answered(call: HttpCall, route: Route, shows: Shows, ids: Mapping[str, Any]) -> Response:
    """Return the response to a request that writes; raises `unknown_field` for a body where none is taken."""
    if not route.takes_body:
        _check_bare(route, await call.body())
    if not call.is_dry and route.may_be_proposed and call.actor.access.proposes:
        shows = await asking.propose(call, route, shows)
    if call.is_dry:
        call.wrapper = DryRun()
    elif (key := _key(call)) is not None:
        return await _once(call, route, shows, ids, key)
    value = await route.handler(call, **ids)
    return _response(call, route, shows, value, call.outcome)


async def _once(call: HttpCall, route: Route, shows: Shows, ids: Mapping[str, Any], key: str) -> Response:
    """Return the response under a key: the first one, again."""

    fresh: list[Response] = []  # with what is shown once

    def sent(value: Any, outcome: Outcome) -> Sent:
        response = _response(call, route, shows, value, outcome)
        if not outcome.hidden:
            fresh[:] = [response]
        headers = b"\n".join([b"%s: %s" % pair for pair in response.headers])
        return Sent(response.status, headers.decode("latin-1"), response.body)

    wrapper = call.wrapper = Keyed(Call(call.crm, call.actor), key, await _hash(call), sent)
    try:
        answer, is_replay = await wrapper.answer(route.handler(call, **ids))
    finally:
        call.wrapper = None  # which leads to the call: what leads to itself is freed late
    if not is_replay:
        return fresh[0]
    lines = (line.partition(b": ") for line in answer.headers.encode("latin-1").split(b"\n"))
    return Response(answer.status, [*((name, content) for name, _, content in lines), REPLAYED], answer.body)


def _response(call: HttpCall, route: Route, shows: Shows, value: Any, outcome: Outcome) -> Response:
    is_replay = bool(outcome.hidden) and not outcome.is_dry
    write = Tail(hides=is_replay, operation=outcome.operation, can_undo=route.undoes, is_dry=outcome.is_dry)
    response = respond(call.scope, shows(call, value).after(write))
    response.body = without(response.body, outcome.hidden, "hidden" if is_replay else "new")
    return response


def _check_bare(route: Route, body: Mapping[str, Any]) -> None:
    """Raise `unknown_field` for what is in the body of a request that takes none."""
    if not body:
        return
    shown = [*body][:MAX_UNKNOWN_FIELDS_SHOWN]
    moved = [name for name in shown if route.takes(name)]
    moves = f": send {' and '.join(moved)} in the query, like ?{moved[0]}=…" if moved else ""
    fields = {name: "is a parameter of the query" if name in moved else "is not taken" for name in shown}
    raise Problem("unknown_field", f"This request takes no body{moves or '; leave it out'}.", fields=fields)


def _key(call: HttpCall) -> str | None:
    """Return the key of the request, None without one; raises `invalid_value`."""
    found = [content for name, content in call.scope["headers"] if name == KEY_HEADER]
    if not found:
        return None
    sent = [content.decode("latin-1").strip() for content in found]
    if len(set(sent)) > 1 or not 0 < len(sent[0]) <= MAX_KEY or not sent[0].isascii() or not sent[0].isprintable():
        raise Problem(
            "invalid_value",
            f"Send one {KEY} of 1 to {MAX_KEY} printable ASCII characters, like a UUID: another for each write.",
            for_tools=f"Send as key 1 to {MAX_KEY} printable ASCII characters, like a UUID: another for each write.",
            fields={KEY: f"must be 1 to {MAX_KEY} printable ASCII characters"},
        )
    return sent[0]


async def _hash(call: HttpCall) -> bytes:
    """Return the hash of what makes two requests the same: method, path, query and body."""
    scope = call.scope
    parts = (call.method.encode(), scope["path"].encode("utf-8", "replace"), scope["query_string"])
    return hashlib.sha256(b" ".join((*parts, await call.identity()))).digest()
