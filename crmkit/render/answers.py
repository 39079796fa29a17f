"""The shapes of answers. Each has its text and its JSON side by side, which say the same.

`text()` is the body without its last line break; `data()` is the value that becomes JSON.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self

from msgspec import Struct, defstruct, structs

from crmkit.errors import Problem
from crmkit.model.query.chosen import ALL, ByKind, Chosen
from crmkit.model.query.listing import Listing, MixedListing, Paging, RecordListing
from crmkit.model.record import Kind, Record
from crmkit.render import text
from crmkit.render.pages import picked, rows
from crmkit.render.pages.rows import Page
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

    @property
    def next_cursor(self) -> str | None:
        """The cursor of the page after this one."""
        return None

    def after(self, write: Tail) -> Self:
        """Return the answer as that of a write (see Tail.after); raises TypeError for a shape of reads alone."""
        raise TypeError(f"a write is not answered with a {type(self).__name__}")

    def choosing(self, chosen: ByKind) -> Self:
        """Return the answer with no more of each record in it than was chosen of its kind."""
        return self

    def text(self) -> str:
        raise NotImplementedError

    def data(self) -> Any:
        raise NotImplementedError


class One(Answer, Struct, frozen=True):
    """One record with all its fields, or what is chosen of it; after a POST the tail says whether it was created."""

    kind: Kind
    record: Record
    chosen: Chosen | None = None
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
        return type(self)(self.kind, self.record, self.chosen, self.tail.after(write), self.potential_duplicate)

    def choosing(self, chosen: ByKind) -> Self:
        return structs.replace(self, chosen=self.chosen or chosen.get(self.kind))

    def text(self) -> str:
        line = picked.line(self.kind, self.record, self.chosen, self.kind.names)
        return "\n".join([line, *self.tail.lines()])

    def data(self) -> Any:
        told = self.tail.data()
        if self.tail.notes:  # `notes` is a field of records
            told["remarks"] = list(self.tail.notes)
        if self.potential_duplicate:
            told["potential_duplicate"] = self.potential_duplicate
        if self.chosen is not None:
            return {**picked.data(self.kind, self.record, self.chosen), **told}
        if not told:
            return self.record
        return _with(type(self.record), tuple(told))(*structs.astuple(self.record), *told.values())


ITSELF = "*"  # in place of a key: the JSON of the one row is that of the table


class Part(Struct, frozen=True):
    """Rows of a table, the lines that end them, and their key in JSON; those without a key are in the table's facts."""

    page: Page
    tail: Tail
    key: str = ""

    def first(self, most: int) -> "Part":
        """Return the part without what follows so many rows, which the lines that end it tell."""
        if most >= len(self.page.rows):
            return self
        paging, tail = self.page.paging.cut(most), self.tail
        counts = (_counted(self.page, most), *tail.counts[1:])
        tail = structs.replace(tail, counts=counts, notes=paging.notes, paging=tail.paging and paging)
        return Part(structs.replace(self.page, rows=self.page.rows[:most], paging=paging), tail, self.key)


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

    def choosing(self, chosen: ByKind) -> Self:
        parts = [structs.replace(part, page=rows.choosing(part.page, chosen)) for part in self.parts]
        return structs.replace(self, parts=parts)

    @property
    def next_cursor(self) -> str | None:
        paging = self.parts[-1].tail.paging
        return paging.next_cursor if paging else None

    @property
    def sizes(self) -> list[int]:
        """How many rows each part has."""
        return [len(part.page.rows) for part in self.parts]

    @property
    def may_be_cut(self) -> bool:
        return all(part.page.paging.may_be_cut for part in self.parts)

    def first(self, most: int) -> Self:
        """Return the table with so many rows, of which each part gets one in turn."""
        shares = shared(self.sizes, most)
        return structs.replace(self, parts=[part.first(n) for part, n in zip(self.parts, shares, strict=True)])

    def text(self) -> str:
        lines: list[str] = []
        for part in self.parts:
            lines += rows.lines(part.page)
            lines += part.tail.lines()
        return "\n".join(lines)

    def data(self) -> Any:
        found = dict(self.facts)
        for part in self.parts:
            if part.key == ITSELF:
                found |= rows.items(part.page)[0]
            elif part.key:  # which several parts may share
                found[part.key] = [*found.get(part.key, ()), *rows.items(part.page)]
        for part in self.parts:
            found |= part.tail.data()
        notes = [note for part in self.parts if part.key for note in part.tail.notes]
        if not notes:
            return found
        # `notes` is a field of records
        return {**found, "remarks" if self.parts[0].key == ITSELF else "notes": notes}


def page(found: Page) -> Table:
    """Return a page of records of one kind or of several, or of other things."""
    paging = found.paging
    now, timezone = paging.moment.now, paging.moment.timezone
    tail = Tail(
        counts=(_counted(found, len(found.rows)),),
        paging=paging,
        notes=paging.notes,
        now=now,
        timezone=timezone,
        read_as=paging.read_as,
    )
    return Table((Part(found, tail, "items"),))


def groups(pages: Sequence[Listing], facts: Mapping[str, Any]) -> Table:
    """Return the matches of a search over several kinds: a page of each."""
    tails = (
        Tail(counts=(_counted(one, len(one.rows)),), notes=one.paging.notes, read_as=one.paging.read_as)
        for one in pages
    )
    return Table([Part(one, tail, one.noun) for one, tail in zip(pages, tails, strict=True)], facts)


def _counted(found: Page, rows: int) -> str:
    return f"{rows} {found.noun}"


def shared(wanted: Sequence[int], most: int) -> list[int]:
    """Return how many each gets of what it wants, in turn one, until `most` are given."""
    given = [0] * len(wanted)
    while most > 0 and given != list(wanted):
        for at, wants in enumerate(wanted):
            if given[at] < wants and most > 0:
                given[at] += 1
                most -= 1
    return given


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
    return Table((Part(RecordListing("", ((kind, record, more),), Paging()), tail, ITSELF),), status=status)


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


@lru_cache(256)
def _with(record: type[Record], more: tuple[str, ...]) -> Callable[..., Any]:
    """Return what makes the JSON of a record's values and those of `more` members, which stand for fields so called."""
    names = (*record.__struct_fields__, *more)
    if len(set(names)) < len(names):
        return lambda *values: dict(zip(names, values, strict=True))
    return defstruct("Whole", names, gc=False)  # as in `_row`


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


def noted(message: str, facts: Mapping[str, Any], notes: Sequence[str], is_final: bool = False) -> Card:
    """Return the same with notes, if there are any; `is_final` where no undo takes it back."""
    tail = Tail(notes=notes, is_final=is_final) if notes or is_final else NO_TAIL
    return done(message, {**facts, "notes": list(notes)} if notes else facts, tail)


class Failure(Answer, Struct, frozen=True):
    """An error; `kind` is the kind of the record that the Problem shows, if any, and `chosen` what of it."""

    problem: Problem
    request_id: str
    kind: Kind | None = None
    is_dry: bool = False
    chosen: ByKind = ALL

    @property
    def status(self) -> int:
        return self.problem.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self.problem.headers

    def choosing(self, chosen: ByKind) -> Self:
        return structs.replace(self, chosen=chosen)

    def text(self) -> str:
        problem = self.problem
        lines = [f"ERROR {problem.code}"]
        lines += [f"FIELD {_label(name)}  {text.printable(what)}" for name, what in problem.fields.items()]
        lines.append(f"HINT  {text.printable(problem.hint)}")
        if isinstance(problem.shown, Listing):
            lines += rows.lines(rows.choosing(problem.shown, self.chosen))
        elif problem.shown is not None and self.kind is not None:
            lines.append(picked.line(self.kind, problem.shown, self.chosen.get(self.kind), self.kind.names))
        return "\n".join([*lines, *Tail(counts=problem.comments, is_dry=self.is_dry).lines()])

    def data(self) -> Any:
        problem = self.problem
        found: dict[str, Any] = {"error": problem.code, "hint": problem.hint}
        if problem.fields:
            found["fields"] = problem.fields
        found |= problem.facts
        if isinstance(problem.shown, Listing):
            found["items"] = rows.items(rows.choosing(problem.shown, self.chosen))
        elif self.kind is not None and self.kind in self.chosen:
            found["current"] = picked.data(self.kind, problem.shown, self.chosen[self.kind])
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
