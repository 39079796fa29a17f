"""The shapes of answers. Each has its text and its JSON side by side, which say the same.

`text()` is the body without its last line break; `data()` is the value that becomes JSON.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from crmkit.errors import Problem
from crmkit.model.listing import Listing, MixedListing, Paging
from crmkit.model.record import Kind, Record
from crmkit.render import text


class Answer:
    """The base of all shapes: a status, headers, text and JSON.

    Each shape has a `text` and a `data` of its own. They are not marked abstract, because the metaclass of ABC and that
    of Struct exclude each other.
    """

    @property
    def status(self) -> int:
        return 200

    @property
    def headers(self) -> Mapping[str, str]:
        return {}

    def text(self) -> str:
        raise NotImplementedError

    def data(self) -> Any:
        raise NotImplementedError


class One(Answer, Struct, frozen=True):
    """One record with all its fields, or with those chosen; `outcome` is created or updated after a POST."""

    kind: Kind
    record: Record
    fields: Sequence[str] = ()
    outcome: str = ""

    @property
    def status(self) -> int:
        return 201 if self.outcome == "created" else 200

    @property
    def headers(self) -> Mapping[str, str]:
        return {"ETag": f'"{getattr(self.record, "version", 1)}"'}

    def text(self) -> str:
        line = text.line(self.kind, self.record, self.fields or self.kind.names)
        return f"{line}\n# {self.outcome}" if self.outcome else line

    def data(self) -> Any:
        return _one_json(self.record, self.fields)


class Many(Answer, Struct, frozen=True):
    """A page of records."""

    page: Listing

    def text(self) -> str:
        page = self.page
        lines = [*map(text.row_liner(page.kind, page.fields), page.rows)]
        return "\n".join([*lines, *trailers(len(lines), page.kind.plural, page.paging)])

    def data(self) -> Any:
        return members(_items(self.page), self.page.paging)


class Lines(Answer, Struct, frozen=True):
    """A page of things of several kinds, or of none; lines leave empty fields out."""

    page: MixedListing

    def text(self) -> str:
        lines = [labelled(handle, fields) for handle, fields in self.page.rows]
        return "\n".join([*lines, *trailers(len(lines), self.page.noun, self.page.paging)])

    def data(self) -> Any:
        return members([{"handle": handle, **fields} for handle, fields in self.page.rows], self.page.paging)


class Line(Answer, Struct, frozen=True):
    """One thing that is no record: its handle and fields, and comment lines."""

    handle: str
    fields: Mapping[str, Any]
    comments: Sequence[str] = ()
    status: int = 200

    def text(self) -> str:
        return "\n".join([labelled(self.handle, self.fields), *(f"# {text.printable(line)}" for line in self.comments)])

    def data(self) -> Any:
        return {"handle": self.handle, **self.fields}


class Team(Answer, Struct, frozen=True):
    """Who belongs to a workspace, and who is invited."""

    members: Sequence[Mapping[str, Any]]
    invites: Sequence[Mapping[str, Any]]

    def text(self) -> str:
        lines = [labelled(f"user/{member['user_id']}", member, "user_id") for member in self.members]
        lines += [labelled(f"invite/{invite['id']}", invite) for invite in self.invites]
        return "\n".join([*lines, f"# {len(self.members)} members", f"# {len(self.invites)} invites"])

    def data(self) -> Any:
        return {"members": list(self.members), "invites": list(self.invites)}


def labelled(handle: str, fields: Mapping[str, Any], id: str = "id") -> str:
    """Return the line of something that is no record; the field `id` is left out, since the handle has it."""
    shown = (f"{name}={text.value(content)}" for name, content in fields.items() if content is not None and name != id)
    return "  ".join([handle, *shown])


def trailers(count: int, noun: str, paging: Paging) -> list[str]:
    """Return the comment lines that end a page in text."""
    lines = [f"# {count} {noun}"]
    if paging.is_first:
        lines.append(f"# total: {paging.total if paging.at_least is None else f'{paging.at_least}+'}")
    lines += [f"# note: {text.printable(note)}" for note in paging.notes]
    if paging.next_cursor is not None:
        lines.append(f"# next: {paging.next_cursor}")
    return lines


def members(items: list[Any], paging: Paging) -> dict[str, Any]:
    """Return the JSON of a page, with all that the lines and trailers say."""
    found: dict[str, Any] = {"items": items, "total": paging.total}
    if paging.at_least is not None:
        found["total_at_least"] = paging.at_least
    found["next_cursor"] = paging.next_cursor
    if paging.notes:
        found["notes"] = list(paging.notes)
    return found


class Groups(Answer, Struct, frozen=True):
    """The matches of a search over several kinds: a page of each; `facts` are further JSON members."""

    pages: Sequence[Listing]
    facts: Mapping[str, Any]

    def text(self) -> str:
        lines: list[str] = []
        for page in self.pages:
            lines += map(text.row_liner(page.kind, page.fields), page.rows)
            lines.append(f"# {len(page.rows)} {page.kind.plural}")
            lines += [f"# note: {text.printable(note)}" for note in page.paging.notes]
        return "\n".join(lines)

    def data(self) -> Any:
        notes = [note for page in self.pages for note in page.paging.notes]
        found = {page.kind.plural: _items(page) for page in self.pages}
        return {**self.facts, **found, **({"notes": notes} if notes else {})}


class Card(Answer, Struct, frozen=True):
    """Lines of `label: value`, after an OK line if `done` is set, before comment lines; `facts` is the JSON.

    The values are text that is ready to print: our own (`12 / 1000`), or a stored value written by `text.value`.
    """

    lines: Mapping[str, str]
    facts: Mapping[str, Any]
    done: str = ""
    comments: Sequence[str] = ()
    limits: Mapping[str, str] = {}
    status: int = 200

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
    """Return the answer `OK message`; its JSON has `ok`, `message` and the facts, such as ids."""
    return Card({}, {"ok": True, "message": message, **facts}, done=message, comments=comments, **more)


class Failure(Answer, Struct, frozen=True):
    """An error; `kind` is the kind of the record that the Problem shows, if any."""

    problem: Problem
    request_id: str
    kind: Kind | None = None

    @property
    def status(self) -> int:
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
            lines.append(text.line(self.kind, problem.shown, self.kind.names))
        lines += [f"# {text.printable(comment)}" for comment in problem.comments]
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


def _items(page: Listing) -> list[dict[str, Any]]:
    """Return the JSON of a page's records."""
    names = ("id", *page.fields)
    return [{"handle": page.kind.handle(row[0]), **dict(zip(names, row, strict=True))} for row in page.rows]


def _one_json(record: Record, fields: Sequence[str]) -> Any:
    """Return the JSON of a record: all of it, or its handle, id and the chosen fields."""
    if not fields:
        return record
    return {"handle": record.handle, "id": record.id, **{name: getattr(record, name) for name in fields}}


def _label(name: str) -> str:
    cut = name if len(name) <= 60 else name[:60] + "…"
    return text.value(cut)


class Document(Answer, Struct, frozen=True):
    """A document: a text in any form, and the JSON that stands for it."""

    content: str
    facts: Mapping[str, Any]

    def text(self) -> str:
        return self.content

    def data(self) -> Any:
        return dict(self.facts)
