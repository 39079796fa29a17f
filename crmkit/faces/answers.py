"""What handlers of a face return: JSON that is sent as it is."""

from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct, structs

from crmkit.render.answers import Answer
from crmkit.render.encoding import encoded
from crmkit.render.formats import Format
from crmkit.render.tail import NO_TAIL, Tail


class Given(Answer, Struct, frozen=True):
    """An object as the service's own API answers it; the tail tells of the write that made it, if there was one."""

    content: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = {}
    tail: Tail = NO_TAIL

    @property
    def operation(self) -> str:
        return self.tail.operation

    def after(self, write: Tail) -> Self:
        return structs.replace(self, tail=self.tail.after(write))

    def text(self) -> str:
        """Return the JSON on one line: what a proposal that is approved by a route of ours is answered with."""
        return "\n".join([encoded(self.content).decode(), *self.tail.lines()])

    def data(self) -> Any:
        return {**self.content, "dry_run": True} if self.tail.is_dry else self.content


def body(answer: Answer) -> bytes:
    """Return an answer as JSON."""
    return encoded(answer.data()) + b"\n"


def format_of(told: Any) -> Format:
    """Return the format of a face, whose `told` makes its own answer of one of ours."""
    return Format("json", "application/json", "application/json", body, is_whole_record=True, told=told)
