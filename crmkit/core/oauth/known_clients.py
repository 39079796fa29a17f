"""Known clients: the hosts of web apps, the schemes that no program has, and the names of the user's own machine.

Any other app may connect as well. Its user is warned, and web pages of other hosts may not call /mcp.
"""

# hosts of apps that many know; their redirect URIs are shown without a warning
KNOWN_HOSTS = ("claude.ai", "claude.com", "chatgpt.com", "www.cursor.com", "vscode.dev")
# their web pages may call /mcp from the browser
KNOWN_ORIGINS = frozenset(f"https://{host}" for host in KNOWN_HOSTS)

# schemes that are nobody's own: a browser runs or opens what such a URI holds, or sends it on without encryption. Any
# other but http and https belongs to a program on the user's machine (RFC 8252, 7.1)
REFUSED_SCHEMES = frozenset(["javascript", "data", "file", "blob", "about", "vbscript", "ftp", "ws", "wss", "mailto"])

# where a redirect URI with http may lead (RFC 8252, 7.3 and 8.3). `settings.is_loopback` is wider: it is about the
# addresses that a server may listen on, and takes all of 127.0.0.0/8.
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
