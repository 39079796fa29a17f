"""The frame of every page that people see: one style sheet, no script, nothing loaded from elsewhere.

Every text that is not ours is written by `escaped` or `isolated`.
"""

import base64
import hashlib
from html import escape
from importlib.resources import files

from crmkit.model.names import clean
from crmkit.web.reply import Response

STYLE = (files("crmkit.web.oauth") / "pages.css").read_text(encoding="utf-8")
STYLE_HASH = f"sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}"
HTML = "text/html; charset=utf-8"

# no form-action: browsers hold it against the redirect back to an app as well
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src '{STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}

MAX_TEXT = 300  # characters of a text that is not ours: an email address, a name or a page secret fits


def page(title: str, *parts: str) -> str:
    """Return a page with these parts, which are HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} - crmkit</title><style>{STYLE}</style></head>"
        f"<body><header>crmkit</header><main>{''.join(parts)}</main></body></html>\n"
    )


def sent(page: str, status: int = 200, **headers: str) -> Response:
    return Response.of(page.encode(), HTML, status, {**HEADERS, **headers})


def isolated(text: str) -> str:
    """Return a text that is not ours in <b>, whose direction the style sheet isolates from the text around it."""
    return f"<b>{escaped(text)}</b>"


def escaped(text: str) -> str:
    """Return a text that is not ours, escaped and cut, without invisible characters and marks of direction."""
    return escape(clean(text, MAX_TEXT))
