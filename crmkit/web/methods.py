"""Only the methods of the route table: Litestar adds OPTIONS to every path, we treat it like any other we lack."""

from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send


class OwnMethods(ASGIMiddleware):
    """Refuses OPTIONS, with the methods that the path does take: there is no cross-origin use to ask about."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS":
            raise MethodNotAllowedException
        await next_app(scope, receive, send)
