"""Known clients: the hosts of web apps, the schemes of programs, and the names of the user's own machine.

Any other app may connect as well. Its user is warned, and web pages of other hosts may not call /mcp.
"""

# hosts of apps that many know; their redirect URIs are shown without a warning
KNOWN_HOSTS = ("claude.ai", "claude.com", "chatgpt.com", "www.cursor.com", "vscode.dev")
# their web pages may call /mcp from the browser
KNOWN_ORIGINS = frozenset(f"https://{host}" for host in KNOWN_HOSTS)

# private-use schemes of programs that are known to register them; any scheme with a dot (com.app) is taken without this
PROGRAM_SCHEMES = ("cursor", "vscode", "vscode-insiders", "windsurf")

# where a redirect URI with http may lead (RFC 8252, 7.3 and 8.3). `settings.is_loopback` is wider: it is about the
# addresses that a server may listen on, and takes all of 127.0.0.0/8.
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
