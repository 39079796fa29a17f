"""Links: a path that somebody may read for a while without a token, with the rights of the token that made the link."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Struct

from crmkit import ids
from crmkit.core import path_ids
from crmkit.core.call import Call
from crmkit.core.people import sessions
from crmkit.errors import Problem
from crmkit.model.access import WRITE
from crmkit.model.actor import Actor
from crmkit.model.fields import Integer
from crmkit.model.form import REQUIRED, Default, form_of
from crmkit.model.paths.links import LinkedPath
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.storage.people import tokens
from crmkit.storage.people.tokens import TokenUse
from crmkit.storage.transfer import links
from crmkit.storage.transfer.links import MAX_MINUTES, PREFIX, Link

OPENED = "/l/"  # before a secret
MINUTES = 60
APP_MINUTES = 60  # that the link of a connected app lives at most
MOST = 100  # links of one person in a workspace that are not over

_SECRET = re.compile(rf"[{ids.ALPHABET}]{{39}}")


class LinkBody:
    path: Annotated[str, LinkedPath(), REQUIRED, "what it shows, with its query"]
    minutes: Annotated[int, Integer(1, MAX_MINUTES), Default(MINUTES), f"how long; {MINUTES} unless sent"]


LINK = form_of(LinkBody, "link")


class Made(Struct, frozen=True):
    """A link that is new, and its address, which is shown once; `is_cut` if it lives shorter than it was asked to."""

    link: Link
    url: str
    is_cut: bool


async def create(call: Call, sent: Mapping[str, Any]) -> Made:
    """Make a link to the path that was `sent`, a filled LINK; that of a connected app lives APP_MINUTES at most.

    That the path leads to what may be linked is checked before. Raises `plan_limit_reached` past MOST.
    """
    path, asked = sent["path"], sent["minutes"] or MINUTES
    minutes = min(asked, APP_MINUTES) if call.actor.is_app else asked

    def unit(tx: Tx) -> Made:
        _check_room(tx)
        link, secret = links.insert(tx, path, minutes)
        url = f"{call.crm.settings.base_url}{OPENED}{secret}"
        for shown in (tx.made, tx.secrets):
            if shown is not None:
                shown.append(url)
        audit.append(
            tx, "link.create", f"link/{link.id}", {"path": [None, path], "expires_at": [None, link.expires_at]}
        )
        return Made(link, url, minutes < asked)

    return await call.write(unit)


def _check_room(tx: Tx) -> None:
    own = [link for link in links.listed(tx.connection, tx.by.workspace_id, tx.now) if link.user_id == tx.by.user_id]
    if len(own) >= MOST:
        hint = f"You have {MOST} links that are not over. GET /links lists them, DELETE /links/{{id}} ends one."
        raise Problem("plan_limit_reached", hint, facts={"resource": "links", "cap": MOST, "used": len(own)})


async def find_all(call: Call) -> Sequence[Link]:
    """Return the caller's links that are not over, the newest first; to admins those of everybody in the workspace.

    To a token that does not read everything, those that it made itself.
    """
    return await call.read(_seen, call.actor, call.now)


async def remove(call: Call, id: str) -> Link:
    """End a link and return it; raises `not_found` for one that `find_all` does not list.

    Raises `scope_required` for that of another token where this one does not write everything.
    """
    where = "GET /links lists yours."
    bare = path_ids.bare(call.crm.kinds.prefixes, id, PREFIX, where)

    def unit(tx: Tx) -> Link:
        link = next((each for each in _seen(tx.connection, tx.by, tx.now) if each.id == bare), None)
        if link is None:
            raise Problem("not_found", f"There is no such link, or it is over. {where}")
        if link.token_id != tx.by.token_id:
            tx.by.access.check(WRITE)
        links.remove(tx, link)
        audit.append(tx, "link.delete", f"link/{link.id}", {"path": [link.path, None]})
        return link

    return await call.write(unit)


def _seen(connection: Connection, actor: Actor, now: str) -> Sequence[Link]:
    found = links.listed(connection, actor.workspace_id, now)
    if not actor.access.allows("*.read"):
        return [link for link in found if link.token_id == actor.token_id]
    return found if actor.role == "admin" else [link for link in found if link.user_id == actor.user_id]


async def opened(call: Call, secret: str, address: str) -> tuple[Link, Actor]:
    """Return the link with this secret, and who reads what it shows.

    Raises `link_over` when its time has passed, it or its token was ended, its user has left, or the token may not be
    used from the `address` that opens it; `not_found` for what cannot be a secret.
    """
    if not _SECRET.fullmatch(secret):
        raise Problem("not_found", "There is nothing at this address: copy it again, whole.")

    def read(connection: Connection) -> tuple[Link, TokenUse | None] | None:
        link = links.find(connection, secret)
        return None if link is None else (link, tokens.use(connection, link.token_id))

    found = await call.read(read)
    if found is not None:
        link, use = found
        actor = sessions.living(call.crm, use)
        if actor is not None and call.now < link.expires_at and actor.access.open_to(address):
            return link, actor
    raise over()


def over() -> Problem:
    """Return the refusal of a link that shows nothing any more, which does not say why."""
    return Problem("link_over", "This link is over. Ask whoever sent it for a new one.")
