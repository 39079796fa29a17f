"""The path of a GET of this API, with its query, as people keep it."""

from typing import Any, ClassVar
from urllib.parse import parse_qsl

from crmkit.model.fields import Invalid, LongText

Pairs = list[tuple[str, str]]


class RequestPath(LongText, frozen=True):
    """A path with its query, of a GET. What answers there is known by the routes."""

    most: int = 4_000
    what: ClassVar[str]  # is found there
    example: ClassVar[str]
    never: ClassVar[tuple[str, ...]]  # parameters that are for one request alone

    @property
    def says(self) -> str:
        return f"the path of {self.what}, like {self.example}, of at most {self.most:,} characters"

    @property
    def brief(self) -> str:
        return "path"

    @property
    def legend(self) -> str:
        return ""

    def cleaned(self, value: str) -> str | None:
        path = super().cleaned(value)
        if path is None:
            return None
        if not path.startswith("/") or not path.isprintable():
            raise Invalid(f"must be the path of {self.what}, like {self.example}")
        for name, _ in split(path)[1]:
            if name in self.never:
                raise Invalid(f"has {name}, which is for one request alone: leave it out")
        return path

    def schema(self) -> dict[str, Any]:
        return {**super().schema(), "pattern": "^/", "maxLength": self.most}


def split(path: str) -> tuple[str, Pairs]:
    """Return a path without its query, and the pairs of that; raises Invalid."""
    head, _, query = path.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except ValueError:
        raise Invalid("has a query that is not percent-encoded UTF-8") from None
    return f"/{'/'.join(filter(None, head.split('/')))}", pairs
