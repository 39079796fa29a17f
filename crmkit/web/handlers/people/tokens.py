"""The routes of tokens: made, listed, narrowed, ended."""

from typing import Any

from crmkit.core.people import sessions
from crmkit.core.people.sessions import Ended
from crmkit.core.people.tokens import given, verbs
from crmkit.core.people.tokens.verbs import Minted
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.render.answers import Answer, Card, done, page, thing
from crmkit.render.formats import LISTS
from crmkit.render.pages.rows import texts
from crmkit.render.tail import Tail
from crmkit.storage.people.tokens import Listed
from crmkit.web.call import HttpCall
from crmkit.web.route import Route, read, route


def _shows_made(_: HttpCall, minted: Minted) -> Answer:
    handle = f"token/{minted.id}"
    facts = {"id": minted.id, "handle": handle, "token": minted.token, "token_name": minted.name}
    facts |= {"workspace_id": minted.workspace_id, **minted.access.facts}
    lines = {"token": minted.token, "workspace": minted.workspace_id, **texts(minted.access.facts)}
    note = "save this token, it is shown once; whoever sends it works in that workspace"
    return Card(lines, facts, done=f"token created: {handle}", tail=Tail(notes=[note]), status=201)


@route(
    "POST",
    "/workspaces/{id}/tokens",
    name="mint_token",
    summary="a token that works in it",
    area="team",
    verb="write",
    form=given.TOKEN,
    query=("code",),
    status=201,
    shows=_shows_made,
)
async def make(call: HttpCall, id: str) -> Minted:
    return await verbs.make(call, id, await call.body())


@read("/tokens", area="team", summary="your tokens (sessions)", formats=LISTS)
async def tokens(call: HttpCall) -> Answer:
    rows = tuple((f"token/{one.id}", _facts(call, one)) for one in await sessions.sessions(call))
    return page(MixedListing("tokens", rows, Paging.whole(len(rows))))


def _shows_one(call: HttpCall, session: Listed) -> Answer:
    return thing(f"token/{session.id}", _facts(call, session))


# an app narrows its own without a code
@route(
    "PATCH",
    "/tokens/{id}",
    name="narrow_token",
    summary="rename one, or give it less",
    area="own",
    verb="write",
    form=given.TOKEN,
    query=("code",),
    shows=_shows_one,
)
async def narrow(call: HttpCall, id: str) -> Listed:
    return await verbs.narrow(call, id, await call.body())


def _shows_ended(_: HttpCall, ended: Ended) -> Answer:
    made = f" and {ended.made} that it made" if ended.made else ""
    facts = {"id": ended.id, "handle": f"token/{ended.id}", "made": ended.made}
    return done(f"revoked token/{ended.id}{made}", facts)


# an app ends its own without a code
@route(
    "DELETE",
    "/tokens/{id}",
    name="revoke",
    summary="end one, with those it made (keep_made=1: without)",
    area="own",
    verb="delete",
    query=("code", "keep_made"),
    shows=_shows_ended,
)
async def end(call: HttpCall, id: str) -> Ended:
    return await sessions.revoke(call, id, call.flag("keep_made"))


def _facts(call: HttpCall, session: Listed) -> dict[str, Any]:
    return {
        "id": session.id,
        "name": session.name,
        "workspace_id": session.workspace_id,
        **session.access.facts,
        "made_by": session.made_by or None,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "current": session.id == call.actor.token_id,
    }


ROUTES: list[Route] = [make, tokens, narrow, end]
