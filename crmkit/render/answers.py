"""The shapes an answer can have, each with its text and its JSON side by side: both tell the same facts.

`text()` is what stands in the body, without the last line break; `data()` is what the JSON encoder is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmkit.errors import Problem
from crmkit.model.listing import Listing
from crmkit.model.record import Kind, Record
from crmkit.render import text


class Answer:
    """What every answer has: an HTTP status, and headers of its own."""

    status: int = 200

    @property
    def headers(self) -> Mapping[str, str]:
        return {}

    def text(self) -> str:
        raise NotImplementedError

    def data(self) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class One(Answer):
    """One record with all its fields, or with those chosen; `outcome` is created or updated after a POST."""

    kind: Kind
    record: Record
    fields: Sequence[str] = ()
    outcome: str = ""

    @property
    def status(self) -> int:  # type: ignore[override]
        return 201 if self.outcome == "created" else 200

    @property
    def headers(self) -> Mapping[str, str]:
        return {"ETag": f'"{getattr(self.record, "version", 1)}"'}

    def text(self) -> str:
        line = text.line(self.kind, self.record, self.fields or self.kind.by_name)
        return f"{line}\n# {self.outcome}" if self.outcome else line

    def data(self) -> Any:
        return chosen(self.record, self.fields)


@dataclass(frozen=True)
class Many(Answer):
    """A page of records."""

    page: Listing

    def text(self) -> str:
        page = self.page
        names = page.fields or [field.name for field in page.kind.fields if field.listed]
        lines = [text.line(page.kind, record, names) for record in page.records]
        lines.append(f"# {len(page.records)} {page.kind.plural}")
        if page.is_first:
            lines.append(f"# total: {page.total if page.at_least is None else f'{page.at_least}+'}")
        lines += [f"# note: {text.printable(note)}" for note in page.notes]
        if page.next_cursor is not None:
            lines.append(f"# next: {page.next_cursor}")
        return "\n".join(lines)

    def data(self) -> Any:
        page = self.page
        found: dict[str, Any] = {"items": [chosen(record, page.fields) for record in page.records], "total": page.total}
        if page.at_least is not None:
            found["total_at_least"] = page.at_least
        found["next_cursor"] = page.next_cursor
        if page.notes:
            found["notes"] = list(page.notes)
        return found


@dataclass(frozen=True)
class Rows(Answer):
    """A short, whole list of things that are no records: (handle, fields) each; empty fields are left out of lines."""

    plural: str
    rows: Sequence[tuple[str, Mapping[str, Any]]]

    def text(self) -> str:
        lines = [
            "  ".join(
                [handle, *(f"{name}={text.value(v)}" for name, v in fields.items() if v is not None and name != "id")]
            )
            for handle, fields in self.rows
        ]
        return "\n".join([*lines, f"# {len(lines)} {self.plural}", f"# total: {len(lines)}"])

    def data(self) -> Any:
        items = [{"handle": handle, **fields} for handle, fields in self.rows]
        return {"items": items, "total": len(items), "next_cursor": None}


@dataclass(frozen=True)
class Card(Answer):
    """Labelled values; `facts` is the JSON, `done` an OK line before them, `notes` comment lines after them.

    What stands behind a label is ready text, ours (`12 / 1000`) or a stored value that went through `text.value`.
    """

    lines: Mapping[str, str]
    facts: Mapping[str, Any]
    done: str = ""
    comments: Sequence[str] = ()
    limits: Mapping[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> Mapping[str, str]:
        return self.limits

    def text(self) -> str:
        head = [f"OK {text.printable(self.done)}"] if self.done else []
        lines = [f"{label}: {text.printable(content)}" for label, content in self.lines.items()]
        return "\n".join([*head, *lines, *(f"# {text.printable(comment)}" for comment in self.comments)])

    def data(self) -> Any:
        return dict(self.facts)


def done(message: str, facts: Mapping[str, Any], comments: Sequence[str] = (), **more: Any) -> Card:
    """Return the answer of something done: `OK message`, JSON `ok`, `message` and the ids concerned."""
    return Card({}, {"ok": True, "message": message, **facts}, done=message, comments=comments, **more)


@dataclass(frozen=True)
class Failure(Answer):
    """A Problem as it is told; `kind` is that of the record it shows, if it shows one."""

    problem: Problem
    request_id: str
    kind: Kind | None = None

    @property
    def status(self) -> int:  # type: ignore[override]
        return self.problem.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self.problem.headers

    def text(self) -> str:
        problem = self.problem
        lines = [f"ERROR {problem.code}"]
        lines += [f"FIELD {_label(name)}  {text.printable(what)}" for name, what in problem.fields.items()]
        lines.append(f"HINT  {text.printable(problem.hint)}")
        if problem.shown is not None and self.kind is not None:
            lines.append(text.line(self.kind, problem.shown, self.kind.by_name))
        return "\n".join(lines)

    def data(self) -> Any:
        problem = self.problem
        found: dict[str, Any] = {"error": problem.code, "hint": problem.hint}
        if problem.fields:
            found["fields"] = problem.fields
        found |= problem.facts
        if problem.shown is not None:
            found["current"] = problem.shown
        return {**found, "request_id": self.request_id}


def chosen(record: Record, fields: Sequence[str]) -> Any:
    """Return the JSON of a record: all of it, or its handle, id and the chosen fields."""
    if not fields:
        return record
    return {"handle": record.handle, "id": record.id, **{name: getattr(record, name) for name in fields}}


def _label(name: str) -> str:
    cut = name if len(name) <= 60 else name[:60] + "…"
    return text.value(cut)


@dataclass(frozen=True)
class Document(Answer):
    """A document, free in form: its text, and what JSON says instead."""

    content: str
    facts: Mapping[str, Any]

    def text(self) -> str:
        return self.content

    def data(self) -> Any:
        return dict(self.facts)
