"""The list of endpoints, for the manual."""

from collections.abc import Iterable

from crmkit.render.manual.endpoints import Endpoint
from crmkit.web.route import Route


def endpoints_of(routes: Iterable[Route]) -> list[Endpoint]:
    """Return the manual's line of each endpoint that has a summary, in the order of the routes."""
    return [
        Endpoint(method, path, route.summary)
        for route in routes
        if route.summary
        for path in route.paths
        for method in route.listed_methods
    ]
