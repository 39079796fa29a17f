"""A face: the API of another service, which this server speaks below a path, so that its clients need no change."""

from collections.abc import Callable, Sequence
from functools import cached_property
from random import getrandbits

from msgspec import Struct

from crmkit import ids
from crmkit.render.formats import Format
from crmkit.web.route import Route
from crmkit.web.routing.paths import Paths

Headers = Sequence[tuple[bytes, bytes]]


class Face(Struct, frozen=True, dict=True):
    """What is answered below `prefix` is in `format`, errors too, whatever Accept says.

    Its routes have paths that begin with the prefix, and no summary, so they are in neither manual nor OpenAPI.
    """

    name: str  # as the setting has it
    prefix: str
    format: Format
    routes: tuple[Route, ...]
    limits: Callable[[Headers, str], Headers]  # its headers of a limit, made of ours, at the moment of a stamp

    @cached_property
    def _below(self) -> Paths:
        return Paths(path.removeprefix(self.prefix) for route in self.routes for path in route.paths)

    def meant(self, path: str, base_url: str) -> str:
        """Return the sentence for who asks for one of its paths without the prefix, "" for any other path."""
        if self._below.find(path) is None:
            return ""
        return f"Clients of {self.name.capitalize()} take the base URL {base_url}{self.prefix}."


def of_path(faces: Sequence[Face], path: str) -> Face | None:
    """Return the face that a path belongs to, None for one of our own."""
    return next((face for face in faces if path == face.prefix or path.startswith(f"{face.prefix}/")), None)


def request_id() -> str:
    """Return a random UUID, as clients of other services expect it; it is no secret, so a fast generator will do."""
    return ids.uuid_of(getrandbits(128), version=4)
