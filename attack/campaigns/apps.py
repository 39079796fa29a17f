"""An app that connects by OAuth: its token stays in the workspace that its user chose, and gives no access away."""

import base64
import hashlib
import html
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from attack import report
from attack.campaigns.isolation import FACES, ask
from attack.client import Answer, Client
from attack.lab import Lab
from attack.places import Routes, filled, filled_body, named, parameters, places, sample, schema_of
from attack.program import Program
from attack.report import Row
from attack.stands import Stand, described, furnished, shown
from crmkit import ids

CALLBACK = "https://claude.ai/api/mcp/auth_callback"
OTHER = "zebracanary"  # in all texts of the workspace that the user did not choose
ACCESS = ("me", "tokens", "workspaces")  # all writes below these give access or take it
HARMLESS = (("PATCH", "/workspaces/{id}"),)  # but for its name, its zone and the like
# a code is mailed; or as many were as may be; or what no code allows
REFUSALS = ("escalation_required", "rate_limited", "last_admin")
FORM = {"Content_Type": "application/x-www-form-urlencoded"}


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield what an app's token reaches of its user's other workspace, and what it does in its own without a code."""
    served = await lab.start(environ={"CRMKIT_LIMITS_SIGNIN_PER_HOUR": "1000"})
    alice = await served.sign_in("alice@example.com")
    own = await furnished(served, alice, "own")
    place = (await alice.ask("POST", "/workspaces", {"name": f"{OTHER} Ltd"})).json()["id"]
    minted = (await alice.ask("POST", f"/workspaces/{place}/tokens", {"token_name": f"{OTHER} laptop"})).json()
    other = await furnished(served, served.client(minted["token"]), OTHER)
    known = await described(alice)
    app = Stand(served.client(await connected(served, "alice@example.com", own.workspace)), own.workspace, own.ids)
    before = await shown(other.client, known, other.ids)
    tried = list(places(known))
    apart: list[str] = []
    seen: list[str] = []
    for each in tried:
        for face in FACES:
            foreign, unknown = [
                await ask(app, each, id, face) for id in (other.ids[each.prefix], ids.mint(each.prefix))
            ]
            if foreign[1] != unknown[1]:
                apart.append(each.named)
            if OTHER in foreign[0].text.lower():
                seen.append(each.path)
    size = f"{len(tried)} places x {len(FACES)}"
    yield report.exactly("app: ids of another workspace told apart", size, sorted(set(apart))[:4], [])
    own_paths = [path for method, path in known if method == "GET" and "{" not in path]
    for path in own_paths:
        text = (await app.client.get(path)).text
        if other.workspace in text or OTHER in text.lower():
            seen.append(path)
    yield report.exactly(
        "app: answers that show another workspace", f"{len(own_paths)} paths", sorted(set(seen))[:4], []
    )
    after = await shown(other.client, known, other.ids)
    changed = [path for path in before if before[path] != after.get(path)]
    yield report.exactly("app: changed in another workspace", f"{len(before)} paths", changed[:4], [])
    done = [what async for what in _done(app, known)]
    yield report.exactly("app: done without a code that gives or takes access", "every such route", done[:6], [])
    mine = [one["id"] for one in (await app.client.get("/tokens")).json()["items"] if one.get("current")]
    ended = [(await app.client.ask("DELETE", f"/tokens/{id}")).status for id in mine]
    yield report.exactly(
        "app: ending its own token, and then", "1", (*ended, (await app.client.get("/whoami")).status), (200, 401)
    )
    yield report.exactly("tracebacks", size, served.tracebacks(), 0)


async def _done(app: Stand, known: Routes) -> AsyncIterator[str]:
    """Yield what the app did in its own workspace, without a code, that gives access or takes it."""
    for (method, path), told in known.items():
        if not wants_code(method, path, told):
            continue
        asked = filled(named(path), app.ids)
        answer = await app.client.ask(method, asked, filled_body(sample(schema_of(told)), app.ids) or None)
        if answer.error not in REFUSALS:
            yield f"{method} {path} {answer.status}"


def wants_code(method: str, path: str, told: Mapping[str, Any]) -> bool:
    """Tell whether an app needs a code for this: all that writes accounts, tokens or members, and what says so."""
    asked = parameters(told)
    if method == "GET" or (method, path) in HARMLESS:
        return False
    is_of_records = "confirm" in asked  # which have a field of that name, and go for good only with a code
    return path.split("/")[1] in ACCESS or ("code" in asked and not is_of_records)


async def connected(served: Program, email: str, workspace: str) -> str:
    """Return the token of an app that this person has connected to a workspace, by its pages and endpoints."""
    verifier = secrets.token_urlsafe(40)
    digest = hashlib.sha256(verifier.encode()).digest()
    async with served.client() as browser:
        described = {"client_name": "Claude", "redirect_uris": [CALLBACK]}
        client = (await browser.ask("POST", "/register", described)).json()["client_id"]
        asked = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": CALLBACK,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        path = f"/authorize?{urlencode(asked)}"
        page = await _posted(browser, path, email=email)
        signin = _found(r'name="signin" value="([^"]*)"', page)
        await _posted(browser, path, signin=signin, code=_found(r"the code is <b>([^<]+)</b>", page))
        back = await _posted(browser, path, signin=signin, workspace=workspace)
        code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
        sent = {"client_id": client, "redirect_uri": CALLBACK, "code": code, "code_verifier": verifier}
        redeemed = await _posted(browser, "/token", grant_type="authorization_code", **sent)
    return str(redeemed.json()["access_token"])


async def _posted(browser: Client, path: str, **fields: str) -> Answer:
    return await browser.ask("POST", path, urlencode(fields).encode(), "text/html, */*", **FORM)


def _found(pattern: str, page: Answer) -> str:
    found = re.search(pattern, page.text)
    if not found:
        raise ValueError(f"a page without {pattern}: {page.text[-300:]}")
    return html.unescape(found.group(1))
