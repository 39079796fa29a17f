"""The shapes of answers. Each has its text and its JSON side by side, which say the same.

`text()` is the body without its last line break; `data()` is the value that becomes JSON.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self

from msgspec import Struct, defstruct, structs

from crmkit.errors import Problem
from crmkit.model.query.listing import Listing, MixedListing, Paging, RecordListing
from crmkit.model.record import Kind, Record
from crmkit.render import text
from crmkit.render.tail import NO_TAIL, Tail


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

    @property
    def operation(self) -> str:
        """The id of what was written and logged; empty where nothing was."""
        return ""

    def after(self, write: Tail) -> Self:
        """Return the answer as that of a write (see Tail.after); raises TypeError for a shape of reads alone."""
        raise TypeError(f"a write is not answered with a {type(self).__name__}")

    def text(self) -> str:
        raise NotImplementedError

    def data(self) -> Any:
        raise NotImplementedError


class One(Answer, Struct, frozen=True):
    """One record with all its fields, or with those chosen; after a POST the tail says whether it was created."""

    kind: Kind
    record: Record
    fields: Sequence[str] = ()
    tail: Tail = NO_TAIL
    potential_duplicate: str = ""  # the handle of a record that this new one may be the same as

    @property
    def status(self) -> int:
        return 201 if self.tail.outcome == "created" else 200

    @property
    def headers(self) -> Mapping[str, str]:
        return {"ETag": f'"{getattr(self.record, "version", 1)}"'}

    @property
    def operation(self) -> str:
        return self.tail.operation

    def after(self, write: Tail) -> Self:
        return type(self)(self.kind, self.record, self.fields, self.tail.after(write), self.potential_duplicate)

    def text(self) -> str:
        line = text.line(self.kind, self.record, self.fields or self.kind.names)
        return "\n".join([line, *self.tail.lines()])

    def data(self) -> Any:
        told = self.tail.data()
        if self.tail.notes:  # `notes` is a field of records
            told["remarks"] = list(self.tail.notes)
        if self.potential_duplicate:
            told["potential_duplicate"] = self.potential_duplicate
        if not self.fields and not told:
            return self.record
        if not self.fields:
            return _with(type(self.record), tuple(told))(*structs.astuple(self.record), *told.values())
        chosen = {name: getattr(self.record, name) for name in self.fields}
        return {"handle": self.record.handle, "id": self.record.id, **chosen, **told}


Page = Listing | MixedListing | RecordListing


class Part(Struct, frozen=True):
    """Rows of a table, the lines that end them, and their key in JSON; those without a key are in the table's facts."""

    page: Page
    tail: Tail
    key: str = ""


class Table(Answer, Struct, frozen=True):
    """Rows, a line each. In JSON `facts` come first, then the rows of each part."""

    parts: Sequence[Part]
    facts: Mapping[str, Any] = {}
    status: int = 200

    @property
    def operation(self) -> str:
        return self.parts[-1].tail.operation

    def after(self, write: Tail) -> Self:
        *parts, last = self.parts
        last = structs.replace(last, tail=last.tail.after(write))
        return structs.replace(self, parts=(*parts, last))

    def text(self) -> str:
        lines: list[str] = []
        for part in self.parts:
            lines += _lines(part.page)
            lines += part.tail.lines()
        return "\n".join(lines)

    def data(self) -> Any:
        found = dict(self.facts)
        for part in self.parts:
            if part.key:  # which several parts may share
                found[part.key] = [*found.get(part.key, ()), *_items(part.page)]
        for part in self.parts:
            found |= part.tail.data()
        notes = [note for part in self.parts if part.key for note in part.tail.notes]
        return {**found, "notes": notes} if notes else found


def page(found: Page) -> Table:
    """Return a page of records of one kind or of several, or of other things."""
    paging = found.paging
    now, timezone = paging.moment.now, paging.moment.timezone
    counts, read_as = (f"{len(found.rows)} {found.noun}",), paging.read_as
    tail = Tail(counts=counts, paging=paging, notes=paging.notes, now=now, timezone=timezone, read_as=read_as)
    return Table((Part(found, tail, "items"),))


def groups(pages: Sequence[Listing], facts: Mapping[str, Any]) -> Table:
    """Return the matches of a search over several kinds: a page of each."""
    return Table(
        [
            Part(
                one,
                Tail(counts=(f"{len(one.rows)} {one.noun}",), notes=one.paging.notes, read_as=one.paging.read_as),
                one.noun,
            )
            for one in pages
        ],
        facts,
    )


def thing(
    handle: str,
    fields: Mapping[str, Any],
    tail: Tail = NO_TAIL,
    status: int = 200,
    wrong: Mapping[str, str] | None = None,
) -> Table:
    """Return one thing that is no record; `wrong` says what is wrong with fields of the request that it is about."""
    line, more = {**fields, **told_of_fields(wrong or {})}, dict[str, Any]({"fields": wrong} if wrong else {})
    if tail.notes:
        more["notes"] = list(tail.notes)
    return Table((Part(_rows("", [(handle, line)]), tail),), {"handle": handle, **fields, **more}, status)


def beside(kind: Kind, record: Record, more: Mapping[str, Any], tail: Tail, status: int) -> Table:
    """Return one record with what is shown beside its own fields."""
    one = RecordListing("", ((kind, record, more),), Paging())
    remarks = {"remarks": list(tail.notes)} if tail.notes else {}  # `notes` is a field of records
    return Table((Part(one, tail),), {**_items(one)[0], **remarks}, status)


def team(members: Sequence[Mapping[str, Any]], invites: Sequence[Mapping[str, Any]]) -> Table:
    """Return who belongs to a workspace, and who is invited; the id of each stands in its handle."""
    people = [
        (f"user/{member['user_id']}", {name: content for name, content in member.items() if name != "user_id"})
        for member in members
    ]
    invited = [(f"invite/{invite['id']}", invite) for invite in invites]
    counts = (f"{len(people)} members", f"{len(invited)} invites")
    parts = (Part(_rows("members", people), NO_TAIL), Part(_rows("invites", invited), Tail(counts=counts)))
    return Table(parts, {"members": list(members), "invites": list(invites)})


def numbered(noun: str, rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], notes: Sequence[str]) -> Table:
    """Return rows that have no id: in text each begins with its number, in JSON they are the member `noun` + s."""
    told = (f"{len(rows)} {noun}s", *(f"{name}: {text.value(content)}" for name, content in facts.items()))
    more = {"notes": list(notes)} if notes else {}
    part = numbered_lines(noun, rows, Tail(counts=told, notes=notes))
    return Table((part,), {f"{noun}s": list(rows), **facts, **more})


def numbered_lines(noun: str, rows: Iterable[Mapping[str, Any]], tail: Tail, start: int = 1) -> Part:
    """Return the lines of rows that have no id, which are in no JSON: each begins with its number."""
    return Part(_rows(f"{noun}s", [(f"{noun}/{number}", row) for number, row in enumerate(rows, start)]), tail)


def _rows(noun: str, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> MixedListing:
    return MixedListing(noun, tuple(rows), Paging())


def _lines(page: Page) -> Iterable[str]:
    if isinstance(page, Listing):
        return map(text.row_liner(page.kind, page.fields), page.rows)
    if isinstance(page, RecordListing):
        return (_labelled(text.line(kind, record, kind.listed), more) for kind, record, more in page.rows)
    return (_labelled(handle, fields) for handle, fields in page.rows)


def _items(page: Page) -> list[Any]:
    """Return the JSON of a page's rows."""
    if isinstance(page, RecordListing):
        return [{**structs.asdict(record), **more} for _, record, more in page.rows]
    if isinstance(page, MixedListing):  # a word that begins a line, and is no handle, is in its text alone
        return [{"handle": start, **fields} if "/" in start else dict(fields) for start, fields in page.rows]
    made, handle = _row(page.fields), page.kind.handle
    return [made(handle(row[0]), *row) for row in page.rows]


@lru_cache(256)
def _row(fields: tuple[str, ...]) -> Callable[..., Struct]:
    """Return a class whose values become the JSON of a row: msgspec writes its members faster than those of a dict."""
    return defstruct("Row", ("handle", "id", *fields), gc=False)


@lru_cache(256)
def _with(record: type[Record], more: tuple[str, ...]) -> Callable[..., Any]:
    """Return what makes the JSON of a record's values and those of `more` members, which stand for fields so called."""
    names = (*record.__struct_fields__, *more)
    if len(set(names)) < len(names):
        return lambda *values: dict(zip(names, values, strict=True))
    return defstruct("Whole", names, gc=False)  # as in `_row`


def _labelled(start: str, fields: Mapping[str, Any]) -> str:
    """Return the line of something that is no record, which starts with a handle, or what follows the line of one.

    Its id is left out, since the handle has it. A tuple of names is joined by commas, and left out if it is empty.
    """
    shown = (
        f"{name}={','.join(content) if isinstance(content, tuple) else text.value(content)}"
        for name, content in fields.items()
        if content not in (None, ()) and name != "id"
    )
    return "  ".join([start, *shown])


class Card(Answer, Struct, frozen=True):
    """Lines of `label: value`, after an OK line if `done` is set, before the tail; `facts` is the JSON.

    The values are text that is ready to print: our own (`12 / 1000`), or a stored value written by `text.value`.
    """

    lines: Mapping[str, str]
    facts: Mapping[str, Any]
    done: str = ""
    tail: Tail = NO_TAIL
    limits: Mapping[str, str] = {}
    status: int = 200

    @property
    def headers(self) -> Mapping[str, str]:
        return self.limits

    @property
    def operation(self) -> str:
        return self.tail.operation

    def after(self, write: Tail) -> Self:
        return structs.replace(self, tail=self.tail.after(write))

    def text(self) -> str:
        head = [f"OK {text.printable(self.done)}"] if self.done else []
        lines = [f"{label}: {text.printable(content)}" for label, content in self.lines.items()]
        return "\n".join([*head, *lines, *self.tail.lines()])

    def data(self) -> Any:
        return {**self.facts, **self.tail.data()}


def done(message: str, facts: Mapping[str, Any], tail: Tail = NO_TAIL, **more: Any) -> Card:
    """Return the answer `OK message`; its JSON has `ok`, `message` and the facts, such as ids."""
    return Card({}, {"ok": True, "message": message, **facts}, done=message, tail=tail, **more)


def noted(message: str, facts: Mapping[str, Any], notes: Sequence[str]) -> Card:
    """Return the same with notes, if there are any."""
    return done(message, {**facts, "notes": list(notes)} if notes else facts, Tail(notes=notes) if notes else NO_TAIL)


class Failure(Answer, Struct, frozen=True):
    """An error; `kind` is the kind of the record that the Problem shows, if any."""

    problem: Problem
    request_id: str
    kind: Kind | None = None
    is_dry: bool = False

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
        if isinstance(problem.shown, Listing):
            lines += _lines(problem.shown)
        elif problem.shown is not None and self.kind is not None:
            lines.append(text.line(self.kind, problem.shown, self.kind.names))
        return "\n".join([*lines, *Tail(counts=problem.comments, is_dry=self.is_dry).lines()])

    def data(self) -> Any:
        problem = self.problem
        found: dict[str, Any] = {"error": problem.code, "hint": problem.hint}
        if problem.fields:
            found["fields"] = problem.fields
        found |= problem.facts
        if isinstance(problem.shown, Listing):
            found["items"] = _items(problem.shown)
        elif problem.shown is not None:
            found["current"] = problem.shown
        if self.is_dry:
            found["dry_run"] = True
        return {**found, "request_id": self.request_id}


def _label(name: str) -> str:
    return text.value(shortened(name))


def told_of_fields(wrong: Mapping[str, str]) -> dict[str, str]:
    """Return what a line has of what is wrong with fields, whoever made their names up."""
    return {f"field.{'.'.join(map(text.key, shortened(name).split('.')))}": what for name, what in wrong.items()}


def shortened(name: str) -> str:
    """Return the name of a field that somebody may have made up, cut where it is long."""
    return name if len(name) <= 60 else name[:60] + "…"


class Document(Answer, Struct, frozen=True):
    """A document: a text in any form, and the JSON that stands for it."""

    content: str
    facts: Mapping[str, Any]

    def text(self) -> str:
        return self.content

    def data(self) -> Any:
        return dict(self.facts)
