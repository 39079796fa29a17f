"""There is one way out by HTTP: no other module has what it takes to connect to a server of somebody else."""

import ast

import pytest

from tests.test_floors import MODULES, imports, tree_of

# what connects, and who may have it
LIBRARIES = {
    "httpcore": {"crmkit.outbound.client", "crmkit.outbound.connecting"},
    "aiosmtplib": {"crmkit.mail.smtp"},
    "http.client": {"crmkit.operate.sending"},  # a command: the client of the server that its user names
    **{
        name: set()
        for name in (
            *(
                "httpx",
                "requests",
                "urllib3",
                "aiohttp",
                "anyio",
                "smtplib",
                "ftplib",
                "imaplib",
                "poplib",
                "telnetlib",
            ),
            *("urllib.request", "xmlrpc", "xmlrpc.client", "asyncio.streams", "socketserver", "http.server"),
        )
    },
}
# these listen, set options of connections that came in, look names up, or ask which address is our own
SOCKETS = {
    "crmkit.boot",
    "crmkit.web.connection.protocol",
    "crmkit.web.connection.server",
    "crmkit.outbound.guard",
    "crmkit.outbound.names",
}
CONNECTS = {
    *(
        "open_connection",
        "create_connection",
        "open_unix_connection",
        "create_unix_connection",
        "create_datagram_endpoint",
    ),
    *("sock_connect", "connect_ex", "connect_tcp", "getaddrinfo", "gethostbyname"),
}
CALLS = {
    "crmkit.outbound.connecting": {"connect_tcp"},
    "crmkit.outbound.names": {"getaddrinfo"},
}


def called(tree: ast.AST) -> set[str]:
    """Return which of the functions that connect or resolve a module names."""
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & CONNECTS


@pytest.mark.parametrize("name", MODULES)
def test_a_module_connects_out_only_where_it_is_listed_here(name: str) -> None:
    tree = tree_of(name)
    found = {imported for _, imported in imports(name, tree, MODULES)}
    for library, allowed in LIBRARIES.items():
        assert library not in found or name in allowed, f"{name} imports {library}"
    assert "socket" not in found or name in SOCKETS
    assert called(tree) <= CALLS.get(name, set())


def test_what_is_listed_is_there() -> None:
    for library, allowed in LIBRARIES.items():
        for name in allowed:
            assert library in {imported for _, imported in imports(name, tree_of(name), MODULES)}
    assert {
        name for name in MODULES if "socket" in {found for _, found in imports(name, tree_of(name), MODULES)}
    } == SOCKETS
    assert {name: called(tree_of(name)) for name in CALLS} == CALLS


@pytest.mark.parametrize(
    "source", ["asyncio.open_connection(host, 80)", "loop.sock_connect(a, b)", "socket.getaddrinfo(h)"]
)
def test_a_connection_is_noticed(source: str) -> None:
    assert called(ast.parse(source))
