"""The page that a browser is shown at / and at /mcp: what this is, and how to connect an assistant to this address."""

from html import escape
from urllib.parse import urlsplit

import msgspec

from crmkit.core.crm import Crm
from crmkit.errors import listed
from crmkit.settings import is_loopback
from crmkit.web.oauth import html
from crmkit.web.reply import VARY, Response


def page(crm: Crm) -> Response:
    """Return the page, the same for everybody. The steps are those of the vendors' own instructions."""
    base_url = crm.settings.base_url
    address = f"{base_url}/mcp"
    cursor = msgspec.json.format(msgspec.json.encode({"mcpServers": {"crmkit": {"url": address}}}), indent=2).decode()
    held = listed([kind.plural for kind in crm.kinds.records], "and")
    response = html.sent(
        html.page(
            "Connect your assistant",
            "<h1>Connect your assistant to this CRM</h1>",
            f"<p>crmkit keeps {held} for your team. It has no screens of its own: you ask your assistant, and it looks "
            "things up and writes them down here. This is the address to give it:</p>",
            _code(address),
            _reach(base_url),
            "<p>It then opens a page of this server, where you sign in with your email address and a code that is "
            f"mailed to you. {_who(crm)}</p>",
            _way(
                "Claude",
                _steps(
                    "On the web or in the desktop app, open Customize, then Connectors.",
                    "Press +, then Add custom connector, and enter the address. In a Team or Enterprise plan an owner "
                    "adds it for everybody.",
                    "Press Connect. The phone app has it then as well.",
                ),
            ),
            _way(
                "Claude Code",
                _code(f"claude mcp add --transport http crmkit {address}"),
                "<p>Then type /mcp in it to sign in.</p>",
            ),
            _way(
                "ChatGPT",
                _steps(
                    "On the web, open Settings, Apps, Advanced settings, and switch on Developer mode. In a Business, "
                    "Enterprise or Edu plan an admin allows it first.",
                    "In Settings, Apps, press Create app, enter the address, and choose OAuth.",
                ),
            ),
            _way(
                "Cursor",
                "<p>Put this into ~/.cursor/mcp.json, then sign in under Customize, MCPs:</p>",
                _code(cursor),
            ),
            _way(
                "curl, or any other program",
                "<p>Have a code mailed:</p>",
                _code(f'curl {base_url}/auth/request \\\n  -d \'{{"email":"you@example.com"}}\''),
                "<p>Exchange it for a token:</p>",
                _code(f'curl {base_url}/auth/verify \\\n  -d \'{{"email":"you@example.com","code":"123456"}}\''),
                "<p>Send that with every request:</p>",
                _code(f'curl {base_url}/contacts \\\n  -H "Authorization: Bearer TOKEN"'),
            ),
            f'<p><a href="{escape(base_url)}/help">The manual</a> alone is enough for an assistant that can fetch '
            "pages.</p>",
            '<p class="soft">The menus are those of late 2026. They belong to the vendors and change.</p>',
        )
    )
    response.headers.append(VARY)
    return response


def _reach(base_url: str) -> str:
    if not is_loopback(urlsplit(base_url).hostname or ""):
        return ""
    return (
        '<p class="warn">This address works on this computer alone. Claude Code, Cursor and curl reach it from here; '
        "Claude and ChatGPT on the web do not.</p>"
    )


def _who(crm: Crm) -> str:
    if crm.settings.auth.signup == "open":
        return "If you were invited, use the address that the invite was mailed to."
    return "New accounts are by invitation: use the address that the invite was mailed to."


def _way(client: str, *parts: str) -> str:
    return f"<details><summary>{client}</summary>{''.join(parts)}</details>"


def _steps(*steps: str) -> str:
    return f"<ol>{''.join(f'<li>{step}</li>' for step in steps)}</ol>"


def _code(text: str) -> str:
    return f"<pre>{escape(text, quote=False)}</pre>"
