"""A path as the access log has it: the pattern of its route with the ids in it, never a name, an address or a key."""

from collections.abc import Iterable, Mapping

from crmkit import ids
from crmkit.web.route import Route
from crmkit.web.routing.segments import content

UNKNOWN = "*"  # in place of a word that no route has


class LoggedPaths:
    """Knows the words of all routes, and what an id is."""

    def __init__(self, routes: Iterable[Route], prefixes: Mapping[str, str]) -> None:
        self._prefixes = prefixes
        words = {word for route in routes for path in route.paths for word in path.split("/")}
        self._words = {word for word in words if not word.startswith("{")}

    def of_route(self, template: str, named: Mapping[str, str]) -> str:
        """Return the pattern of a route, with those of the `named` parts of its path that are ids."""
        for name, part in named.items():
            template = template.replace(f"{{{name}}}", self._id(part) or f"{{{name}}}")
        return template

    def of_no_route(self, path: str) -> str:
        """Return a path that no route was found for, with UNKNOWN for each part that is neither a known word nor an id.

        A request whose head could not be read has the path `-`.
        """
        if path == "-":
            return path
        return "/".join(part if part in self._words else self._id(content(part)) or UNKNOWN for part in path.split("/"))

    def _id(self, part: str) -> str:
        """Return the bare id in a part of a path, empty if it is none."""
        prefix = part.rpartition("/")[2].partition("_")[0]
        try:
            return ids.parse(part, prefix, self._prefixes) if prefix in self._prefixes else ""
        except ids.BadId:
            return ""
