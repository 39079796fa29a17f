"""What handlers of a face return: JSON that is sent as it is."""

from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct, structs

from crmkit.errors import Problem
from crmkit.render.answers import Answer
from crmkit.render.encoding import encoded
from crmkit.render.formats import Format
from crmkit.render.tail import NO_TAIL, Tail

EMPTY = 204  # the status of an answer without a body


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
        status = 200 if write.is_dry and self.status == EMPTY else self.status
        return structs.replace(self, tail=self.tail.after(write), status=status)

    def text(self) -> str:
        """Return the JSON on one line: what a proposal that is approved by a route of ours is answered with."""
        return "\n".join([encoded(self.content).decode(), *self.tail.lines()])

    def data(self) -> Any:
        return {**self.content, "dry_run": True} if self.tail.is_dry else self.content


class Errors(Struct, frozen=True):
    """Another service's codes of errors: `by_status` of ours, and `own` for some of our codes, with another status.

    Any other refusal is the `client`'s or the `server`'s, with our status.
    """

    by_status: Mapping[int, str]
    own: Mapping[str, tuple[str, int]]
    client: str
    server: str

    def of(self, problem: Problem) -> tuple[str, int]:
        """Return their code and the status of an error."""
        if problem.code in self.own:
            return self.own[problem.code]
        unknown = self.client if problem.status < 500 else self.server
        return self.by_status.get(problem.status, unknown), problem.status


def body(answer: Answer) -> bytes:
    """Return an answer as JSON, nothing of one that has no body."""
    return b"" if answer.status == EMPTY else encoded(answer.data()) + b"\n"


def format_of(told: Any) -> Format:
    """Return the format of a face, whose `told` makes its own answer of one of ours."""
    return Format("json", "application/json", "application/json", body, is_whole_record=True, told=told)
