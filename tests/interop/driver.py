"""A user with a browser: signs in on the pages an app sent them to, and goes back to the app."""

import re
from html import unescape

import httpx


def let_in(url: str, email: str) -> str:
    """Walk the pages from the app's authorize URL on; return the URL they lead back to."""
    with httpx.Client(timeout=30) as browser:
        page = _shown(browser.get(url))
        page = _shown(browser.post(url, data={"email": email}))
        code = _found(r"the code is <b>(\d{6})</b>", page)
        page = _shown(browser.post(url, data={"signin": _signin(page), "email": email, "code": code}))
        workspace = _found(r'name="workspace" value="([^"]+)"[^>]* checked', page)
        access = _found(r'name="access" value="([^"]+)"[^>]* checked', page)
        answer = browser.post(url, data={"signin": _signin(page), "workspace": workspace, "access": access})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


def browse(url: str, email: str) -> None:
    """Let an app in, and open the page it waits behind."""
    with httpx.Client(timeout=30) as browser:
        browser.get(let_in(url, email)).raise_for_status()


def _shown(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.text


def _signin(page: str) -> str:
    return _found(r'name="signin" value="([^"]+)"', page)


def _found(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    assert found, f"no {pattern} on the page: {page}"
    return unescape(found.group(1))
