"""What the server logs of requests: patterns of routes and ids; nothing of the people that requests are about."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from aiosmtpd.controller import Controller

from crmkit.mcp import endpoint as mcp
from crmkit.web.app import routes
from crmkit.web.oauth import endpoints, signin
from crmkit.web.route import ANY, Route
from tests.house import ALICE, UNLIMITED, Person, process, settings_of
from tests.kinds import REGISTRY
from tests.web.test_secrets import Postbox, _signed_in

Serve = Callable[..., Controller]

EVERY = [*routes(REGISTRY), *signin.ROUTES, *endpoints.routes(settings_of()), *mcp.routes(settings_of())]
MARK = "zebracanary"
EMAIL, DOMAIN, NAME, PHONE = f"zoe/{MARK}@{MARK}.example", f"{MARK}.example", f"Zoe {MARK}", "+49 30 987612345"
MARKS = [EMAIL, DOMAIN, NAME, PHONE, f"code:{MARK}", f"source:{MARK}", MARK]
TRACES = [MARK, "987612345", "9876 12345"]
HEADERS = ("X-Request-Id", "Referer", "Cookie", "If-Match", "X-Escalation-Code", "Forwarded", "X-Forwarded-For")
PLACEHOLDER = re.compile(r"\{\w+\}")

Asked = tuple[str, str, bytes]


def asked(route: Route) -> Iterator[Asked]:
    """Yield requests that have a mark in each place of a route: its path, its query, its body."""
    for path in route.paths:
        for method in route.methods:
            marked = [PLACEHOLDER.sub(quote(mark, safe=safe), path) for mark in MARKS for safe in ("", "/:@+ ")]
            for each in dict.fromkeys(marked):
                yield method, each.replace(" ", "%20"), b""
            names = (
                [one.name for one in route.kind.fields] if route.query == ANY and route.kind else [*route.parameters]
            )
            for name in (*names, MARK, "search", "format", "timezone"):
                yield method, f"{marked[0]}?{urlencode({name: MARKS[len(name) % len(MARKS)]})}", b""
            for body in bodies(route) if method in ("POST", "PATCH", "PUT", "DELETE") else ():
                yield method, marked[0], body
    yield "GET", f"{route.paths[0]}/{quote(EMAIL, safe='')}/more", b""


def bodies(route: Route) -> Iterator[bytes]:
    form = route.form or route.kind
    fields: dict[str, Any] = {one.name: MARKS[at % len(MARKS)] for at, one in enumerate(form.fields)} if form else {}
    writable = {one.name for one in form.fields if one.writable} if form else set()
    named = {"name": NAME, "title": NAME, "email": EMAIL, "domain": DOMAIN, "phone": PHONE, "body": NAME, "notes": NAME}
    good = {name: value for name, value in named.items() if name in writable}
    rpc = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    inner = {"method": "POST", "path": f"/contacts/{quote(EMAIL, safe='')}/activities?q={MARK}", "body": good}
    for body in (
        good,
        {name: value for name, value in fields.items() if name in writable},
        {**good, "company": {"name": NAME, MARK: MARK}, "activities": [{"body": NAME}, MARK]},
        {**fields, MARK: MARK, "email": EMAIL, "code": MARK, "tags": {"add": [MARK], MARK: [MARK]}},
        {**rpc, "params": {"name": "request", "arguments": inner}},
        {**rpc, "params": {"name": MARK, "arguments": {MARK: MARK}}, MARK: MARK},
    ):
        yield json.dumps(body).encode()
    yield f'{{"{MARK}'.encode()
    yield urlencode(dict.fromkeys(("email", "code", "client_id", "state", "redirect_uri", "token"), EMAIL)).encode()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json"])
def test_whatever_route_a_person_is_named_to_the_log_has_no_trace_of_them(
    tmp_path: Path, serve: Serve, form: str
) -> None:
    postbox = Postbox()
    environ = {"CRMKIT_MAIL_SMTP_URL": f"smtp://127.0.0.1:{serve(postbox).port}", "CRMKIT_SERVER_LOG": form}
    headers = dict.fromkeys(HEADERS, f"{EMAIL} {PHONE}")
    times = 0
    with process(tmp_path / "data", local=False, **UNLIMITED, **environ) as served:
        with Person(served.url, _signed_in(served.url, postbox, ALICE)) as alice:
            for path, body in (
                ("/companies", {"name": NAME, "domain": DOMAIN}),
                ("/contacts", {"name": NAME, "email": EMAIL, "phone": PHONE, "company_id": DOMAIN}),
            ):
                assert alice.post(path, json=body).status_code == 201
            for key in (f"contacts/{quote(EMAIL, safe='')}", f"companies/{DOMAIN}"):
                assert alice.get(f"/{key}").status_code == 200
            for route in EVERY:
                for method, path, content in asked(route):
                    answer = alice.request(method, path, content=content, headers=headers)
                    assert answer.status_code != 500, (method, path, answer.text)
                    times += 1
            assert alice.get(f"/contacts/{quote(EMAIL, safe='')}").status_code == 200, "still known, so found before"
        assert served.stop() == 0
        written = served.printed()
    assert len(re.findall(r'request["=]', written)) > times > 1000
    assert not [trace for trace in TRACES if trace in written.lower()]
    assert "/contacts/{id}" in written
