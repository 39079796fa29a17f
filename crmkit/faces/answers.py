"""What handlers of a face return, which is JSON that is sent as it is, and how a face tells our errors."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Self

from msgspec import Struct, structs

from crmkit import ids
from crmkit.errors import CATALOGUE, Problem
from crmkit.render.answers import Answer
from crmkit.render.encoding import encoded
from crmkit.render.formats import Format
from crmkit.render.tail import NO_TAIL, Tail

EMPTY = 204  # the status of an answer without a body

# an id of ours, behind its kind where it is a handle
_ID = re.compile(rf"(?:\b[a-z-]+/)?\b([a-z]{{1,4}}_[{ids.ALPHABET}]{{{ids.LENGTH}}})\b")
_FIELD = re.compile(r"[a-z]+_[a-z_]+")  # a name that is no word of a sentence
_MEANT = re.compile(r"(?:(?<=did you mean )|(?<=has no operator ))[\w.]+")  # the name of a field, or of an operator
# what else of a sentence clients of a face do not have: a path, filters, a record that text shows below an error
_OURS = re.compile(r"\b(?:GET|HEAD|POST|PUT|PATCH|DELETE) /|/help\b|=\w+:[A-Z]|\beq, ne, |\bbelow\b")


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

    `nouns` are its words for our kinds, `names` for our fields and operators, `id_of` makes its id of one of ours.
    `says` has a sentence for each of our codes whose own one names what its clients do not have; `{noun}` in it is the
    kind that it was about, other names are facts of the Problem.
    """

    by_status: Mapping[int, str]
    own: Mapping[str, tuple[str, int]]
    client: str
    server: str
    nouns: Mapping[str, str]
    names: Mapping[str, str]
    id_of: Callable[[str], str]
    says: Mapping[str, str]

    def of(self, problem: Problem) -> tuple[str, int]:
        """Return their code and the status of an error."""
        if problem.code in self.own:
            return self.own[problem.code]
        unknown = self.client if problem.status < 500 else self.server
        return self.by_status.get(problem.status, unknown), problem.status

    def hint(self, problem: Problem, **facts: str) -> str:
        """Return the hint in their words; where it names paths, ids, fields or filters of ours, their own."""
        found = self._translated(problem.hint)
        named = (word for word in _FIELD.findall(found) if self.names.get(word, word) != word)
        if not _OURS.search(found) and not _ID.search(found) and not any(named):
            return found
        kind = next((word for word in re.findall(r"\w+", problem.hint) if word in self.nouns), "")
        meaning = self._translated(CATALOGUE[problem.code][1])
        said = self.says.get(problem.code) or f"{meaning[:1].upper()}{meaning[1:]}."
        return said.format_map(defaultdict(str, {"noun": self.nouns.get(kind, "record"), **problem.facts, **facts}))

    def fields(self, problem: Problem) -> dict[str, str]:
        """Return what is wrong with each field, in their words, with their ids."""
        told = {name: _ID.sub(lambda found: self.id_of(found[1]), what) for name, what in problem.fields.items()}
        told = {name: _MEANT.sub(lambda found: self.names.get(found[0], found[0]), what) for name, what in told.items()}
        found = {name: self._translated(what) for name, what in told.items()}
        return {name: "is not accepted" if _OURS.search(what) else what for name, what in found.items()}

    def _translated(self, text: str) -> str:
        """Return a text with their nouns; the name of a scope, like contacts.read, stays."""
        return re.sub(r"\b([A-Za-z]+)\b(?!\.\w|/)", self._noun, text)

    def _noun(self, found: re.Match[str]) -> str:
        said = self.nouns.get(found[0].lower(), found[0])
        return said.capitalize() if found[0][0].isupper() and said != found[0] else said


def body(answer: Answer) -> bytes:
    """Return an answer as JSON, nothing of one that has no body."""
    return b"" if answer.status == EMPTY else encoded(answer.data()) + b"\n"


def format_of(told: Any) -> Format:
    """Return the format of a face, whose `told` makes its own answer of one of ours."""
    return Format("json", "application/json", "application/json", body, is_whole_record=True, told=told)
