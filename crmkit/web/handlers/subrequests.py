"""A request that is part of another: what a view keeps, what a link shows, what was proposed."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

from crmkit.core.call import Call
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.web.call import KNOWN, WITHIN, HttpCall


class Understood(Exception):
    """A request was read up to where it would read many records, or write."""


class Trial(HttpCall):
    """A call that ends where a list would be read: by then all that was sent is understood."""

    __slots__ = ()

    def scan(self, work: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        raise Understood

    def stream(self, work: Callable[..., Any], *args: Any, is_whole: bool = False) -> AsyncGenerator[Any, None]:
        raise Understood

    async def write(self, *args: Any, **more: Any) -> Any:
        raise Understood


def scope_of(call: HttpCall, path: str, query: bytes, **state: Any) -> Any:
    """Return the scope of a GET of this path, as routes have it, by the same client; `state` is added to the call's."""
    raw = path.encode("utf-8", "replace")
    method = call.method if call.method == "HEAD" else "GET"
    shared = {**call.scope["state"], WITHIN: True, **state}
    return {**call.scope, "method": method, "path": path, "raw_path": raw, "query_string": query, "state": shared}


def asked_by(
    app: Any, actor: Actor, path: str, query: bytes, method: str = "GET", headers: Sequence[tuple[bytes, bytes]] = ()
) -> Any:
    """Return the scope of a request that somebody asks for who is known, though no request of theirs does."""
    state = {"actor": actor, KNOWN: actor, WITHIN: True}
    raw = path.encode("utf-8", "replace")
    head = {"type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": raw, "headers": headers}
    return {**head, "query_string": query, "state": state, "litestar_app": app}


def receiving(call: Call) -> Callable[[], Awaitable[Any]]:
    """Return what the body of such a GET is received by: none, then the end of the call."""

    async def receive() -> dict[str, Any]:
        await call.left()
        return {"type": "http.disconnect"}

    return receive


async def check(call: Call, scope: Any) -> None:
    """Raise `invalid_value` of `path` for what cannot be asked for, and what else is raised before it is read."""
    try:
        answer = await scope["litestar_app"].state.router.answered(scope, receiving(call), Trial)
    except Understood:
        return
    except Problem as problem:
        if problem.status != 400:
            raise
        told = [f"{name} {what}" for name, what in problem.fields.items()]
        raise Problem("invalid_value", problem.hint, fields={"path": "; ".join(told) or "cannot be read"}) from None
    if answer.status >= 400:  # what a view keeps
        hint = f"GET {scope['path']} tells why, and what to do."
        raise Problem("invalid_value", hint, fields={"path": "cannot be read"})
