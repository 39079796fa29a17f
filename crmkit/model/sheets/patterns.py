"""Regular expressions that are compiled when they are first used, since a start does without them."""

import re
from collections.abc import Callable
from functools import cached_property

Found = Callable[[str], re.Match[str] | None]


class LatePattern:
    """A pattern; each of its methods is that of the compiled one."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._pattern, self._flags = pattern, flags

    @cached_property
    def fullmatch(self) -> Found:
        return self._compiled.fullmatch

    @cached_property
    def search(self) -> Found:
        return self._compiled.search

    @cached_property
    def split(self) -> Callable[[str], list[str]]:
        return self._compiled.split

    @cached_property
    def sub(self) -> Callable[[str, str], str]:
        return self._compiled.sub

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern, self._flags)
