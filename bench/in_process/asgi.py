"""A request to an ASGI application in the same process, as the server would hand it over."""

from typing import Any


async def send(app: Any, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    """Send a request; raises AssertionError unless its answer is a good one."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def taken(message: dict[str, Any]) -> None:
        assert message.get("status", 200) < 300, message

    await app(scope, receive, taken)


def bearer(token: str) -> tuple[bytes, bytes]:
    return (b"authorization", f"Bearer {token}".encode())
