"""The routes of links, and the address that people open. What a link shows is read by the route of its path."""

from typing import Any

from crmkit.core.transfer.links import verbs as links
from crmkit.core.transfer.links.verbs import APP_MINUTES, LINK, OPENED, Made
from crmkit.errors import Problem
from crmkit.model.paths.links import LinkedPath
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.render import text
from crmkit.render.answers import Answer, Card, done, page
from crmkit.render.formats import LISTS, TEXT
from crmkit.render.tail import Tail
from crmkit.storage.transfer.links import Link
from crmkit.web.call import LINKED, HttpCall, address_of
from crmkit.web.handlers import subrequests
from crmkit.web.negotiate import format_of
from crmkit.web.oauth import html
from crmkit.web.problems import on_error
from crmkit.web.reply import Response
from crmkit.web.route import FREE, Route, read, route
from crmkit.web.routing.segments import encoded, spelled

# what a browser sends with it, which says nothing of the request that the link stands for
_OF_PEOPLE = (b"accept", b"authorization", b"idempotency-key", b"if-match")
_HEADERS = {
    b"content-security-policy": b"sandbox; default-src 'none'",
    b"referrer-policy": b"no-referrer",
}


def shows_made(_: HttpCall, made: Made) -> Answer:
    facts = {"url": made.url, **_facts(made.link)}
    shown = {"url": made.url, "path": text.value(made.link.path), "expires_at": made.link.expires_at}
    notes = ["whoever has this address reads it until then, without a token; it is shown once"]
    if made.is_cut:
        notes.append(f"a link that a connected app makes lives {APP_MINUTES} minutes at most")
    handle = f"link/{made.link.id}"
    return Card(shown, {"handle": handle, **facts, "notes": notes}, done=handle, tail=Tail(notes=notes), status=201)


@route(
    "POST",
    "/links",
    name="create_link",
    summary="an address that shows a path to people without a token, for minutes (60)",
    area="*",
    verb="write",
    consent=FREE,
    form=LINK,
    status=201,
    shows=shows_made,
    asks_first=True,
)
async def create(call: HttpCall) -> Made:
    sent = LINK.filled(await call.body())
    await _check(call, sent["path"])
    return await links.create(call, sent)


@read("/links", name="list_links", summary="links that are not over: yours, to admins all", area="*", formats=LISTS)
async def find_all(call: HttpCall) -> Answer:
    rows = tuple((f"link/{link.id}", _facts(link)) for link in await links.find_all(call))
    return page(MixedListing("links", rows, Paging.whole(len(rows))))


def shows_ended(_: HttpCall, link: Link) -> Answer:
    return done(f"ended link/{link.id}", {"id": link.id, "handle": f"link/{link.id}"})


@route(
    "DELETE",
    "/links/{id}",
    name="end_link",
    summary="end a link",
    area="*",
    verb="delete",
    consent=FREE,
    shows=shows_ended,
)
async def remove(call: HttpCall, id: str) -> Link:
    return await links.remove(call, id)


@read(f"{OPENED}{{secret}}", name="open_link", public=True)
async def open_(call: HttpCall, secret: str) -> Response:
    try:
        return await _opened(call, secret)
    except Problem as problem:
        if problem.code != "link_over" or format_of(call.scope) is not TEXT:
            raise
        return html.sent(
            html.page("Link is over", "<h1>This link is over</h1><p>Ask whoever sent it for a new one.</p>"),
            problem.status,
        )


ROUTES: tuple[Route, ...] = (create, find_all, remove)
FOR_PEOPLE: tuple[Route, ...] = (open_,)


async def _opened(call: HttpCall, secret: str) -> Response:
    link, actor = await links.opened(call, secret, address_of(call.scope))
    call.scope["state"]["actor"] = actor  # whose token the log names
    call.app.state.limit.count(actor, call.scope["state"])
    scope = _scope(call, link.path, actor)
    try:
        answer: Response = await call.app.state.router.answered(scope, subrequests.receiving(call))
    except Problem as problem:
        if problem.code == "scope_required":  # its token was narrowed since, which is nothing to a stranger
            raise links.over() from None
        answer = on_error(scope, problem)
    return _as_file(answer, scope)


def _facts(link: Link) -> dict[str, Any]:
    times = {"created_at": link.created_at, "expires_at": link.expires_at}
    return {"id": link.id, "path": link.path, "by": link.by, **times}


async def _check(call: HttpCall, path: str) -> None:
    """Raise `invalid_value` unless a link may show the path, and it can be asked for as it stands."""
    scope = _scope(call, path, call.actor)
    try:
        found = call.app.state.router.reading(scope)
    except Problem as problem:
        raise Problem("invalid_value", problem.hint, fields={"path": "leads nowhere"}) from None
    if found is None or not found.is_linked:
        hint = f"Link to {LinkedPath.what}, like {LinkedPath.example}."
        raise Problem("invalid_value", hint, fields={"path": "is nothing that a link may show"})
    await subrequests.check(call, scope)


def _scope(call: HttpCall, path: str, actor: Any) -> Any:
    """Return the scope of the GET that a link to this path stands for."""
    raw, _, query = encoded(path).partition("?")
    scope = subrequests.scope_of(
        call, call.app.state.edge.routed(spelled(raw)), query.encode("ascii"), **{LINKED: actor}
    )
    scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in _OF_PEOPLE]
    return scope


def _as_file(answer: Response, scope: Any) -> Response:
    """Return the answer as a file that a browser keeps; an answer that is one already keeps its name."""
    if answer.status == 200 and all(name != b"content-disposition" for name, _ in answer.headers):
        words = "-".join(word for word in scope["path"].split("/") if word.isascii() and word.isalpha())
        format = format_of(scope)
        name = f"{words}.{'txt' if format is TEXT else format.name}"
        answer.headers.append((b"content-disposition", f'attachment; filename="{name}"'.encode("ascii")))
    answer.headers += _HEADERS.items()
    return answer
