"""What a view is made of: its name, the path of a list, and that path with the parameters of one request."""

import re
from collections.abc import Sequence
from typing import Any

from crmkit.model.fields import Identifier, Invalid
from crmkit.model.fold import fold
from crmkit.model.paths.request import Pairs, RequestPath, split
from crmkit.model.query import groups
from crmkit.model.query.parse import TIMEZONE

# how a list is answered: what is sent stands in place of the view's
REPLACES = ("limit", "sort", "fields", "format", "count", "explain", "max_tokens", TIMEZONE)
SEARCH = "search"

_NAME = re.compile(r"[a-z0-9-]{1,60}")


class ViewName(Identifier, frozen=True):
    """The name of a view, which is no id: an id has an underscore."""

    most: int = 60
    names = True

    @property
    def says(self) -> str:
        return f"1 to {self.most} of a-z, 0-9 and -"

    @property
    def brief(self) -> str:
        return f"a-z0-9- {self.most}"

    @property
    def legend(self) -> str:
        return ""

    def cleaned(self, value: str) -> str | None:
        name = super().cleaned(value)
        if name is not None and not _NAME.fullmatch(name):
            raise Invalid(f"must be {self.says}")
        return name

    def part(self, text: str) -> str:
        return text

    def schema(self) -> dict[str, Any]:
        return {**super().schema(), "pattern": f"^{_NAME.pattern}$"}


class ListPath(RequestPath, frozen=True):
    """The path of a list, with its query."""

    what = "a list"
    example = "/contacts?stage=lead&sort=-updated_at"
    never = ("cursor", "confirm", "code")

    def operand(self, text: str) -> str | None:
        return fold(text.strip()) or None  # a part of a path is no path

    def part(self, text: str) -> str:
        return fold(text)


def narrowed(path: str, sent: Sequence[tuple[str, str]]) -> tuple[str, Pairs]:
    """Return the path of a view without its query, and the pairs to read it with: its own, then those that were sent.

    What is sent of REPLACES stands in place of the view's own. A group of filters that is sent stays one of its own:
    the view's gets another prefix, so that errors and notes name what was sent. The words of two searches must all be
    found.
    """
    head, kept = split(path)
    replaced = {pair[0] for pair in sent if _is_of_answer(pair)}
    kept = [pair for pair in kept if not (_is_of_answer(pair) and pair[0] in replaced)]
    named = groups.renamed([name for name, _ in kept], [name for name, _ in sent])
    found = [*zip(named, (text for _, text in kept), strict=True), *sent]
    searches = [text for name, text in found if name == SEARCH]
    if len(searches) > 1:
        found = [*(pair for pair in found if pair[0] != SEARCH), (SEARCH, " ".join(searches))]
    return head, found


def _is_of_answer(pair: tuple[str, str]) -> bool:
    """Tell whether a parameter says how a list is answered; a field that is called so is filtered with an operator."""
    name, text = pair
    return name in REPLACES and (name != TIMEZONE or ":" not in text)
