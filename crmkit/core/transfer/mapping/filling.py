"""What the cells of a row have become so far, and the body of a POST that they make."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from crmkit.core.rules import closings, stages
from crmkit.errors import Problem, listed
from crmkit.model.actor import Asker
from crmkit.model.configuration.pipeline import MEANINGS
from crmkit.model.record import Kind, Reference
from crmkit.model.sheets import numbers, words

CLOSED = "closed"  # among the answers of a row: that its record has ended


class Named(Struct, frozen=True):
    """A related record as a row names it: by a text that may be an id, a key or a name, and by further `fields`.

    One that is not found is created where it `creates`, unless it has no name: then its `cells` are kept in custom, by
    the titles of their columns.
    """

    link: Reference
    text: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    creates: bool = True
    cells: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The name under which an error about this related record is told."""
        return self.link.place if self.creates else self.link.link


class Body(Struct, frozen=True):
    """A row as the body of a POST. The related records that it names are looked up in the transaction.

    `id` is that of the record that it says it is; a file of another workspace has ids of that one. `past` is what it
    tells of the record's past, which no POST takes, `unread` the titles of columns whose cells do not fit.
    """

    row: int
    values: dict[str, Any]
    names: tuple[Named, ...] = ()
    id: str = ""
    past: dict[str, Any] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @property
    def is_elsewhere(self) -> bool:
        """Whether its id stands in its source_id too, as that of a record of another workspace unless it is here."""
        return bool(self.id) and str(self.values.get("source_id")).endswith(f":{self.id}")

    @property
    def needs_lookup(self) -> bool:
        return bool(self.names) or self.is_elsewhere


class Refused(Struct, frozen=True):
    """A row that is no record, and what is wrong with each field."""

    row: int
    fields: dict[str, str]
    hint: str = "Correct the cells of the fields named above and send these rows again."


class Filling(Struct):
    """A row that is being read."""

    kind: Kind
    values: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    places: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    money: list[tuple[str, Decimal, str]] = field(default_factory=list)
    written: dict[tuple[str, str], tuple[str, Any]] = field(default_factory=dict)  # title and cell, by place and field
    group: str = ""
    unread: list[str] = field(default_factory=list)  # titles of columns whose cells do not fit, so that custom has them
    id: str = ""
    is_own: bool = False  # of an export of ours
    answers: dict[str, bool] = field(default_factory=dict)  # by the status that they ask for
    past: dict[str, tuple[str, Any]] = field(default_factory=dict)  # title and cell, by field

    def keep(self, title: str, value: Any) -> None:
        """Keep what is no value of a field in custom, under the title of its column."""
        if self.kind.custom is None:
            self.faults[title] = "has more than one value, or none of its field"
            return
        key, number = title, 2
        while key in self.custom and self.custom[key] != value:
            key, number = f"{title} {number}", number + 1
        self.custom[key] = value

    def body(self, row: int, links: dict[str, Reference], asker: Asker) -> Body | Refused:
        """Return what the row is: the body of a POST, or refused. `links` are the related records by their places."""
        if self.money:
            self._settle_money(asker)
        self._settle_status()
        past = self._settle_past()
        names = [Named(links[name], text, creates=False) for name, text in self.links.items()]
        for place, fields in self.places.items():
            link = links[place]
            cells = dict(self.written[place, name] for name in fields if (place, name) in self.written)
            text = fields.pop(link.to.title.name, "")
            if text or any(fields.get(name) for name in link.to.merges_by):
                names.append(Named(link, text, fields, cells=cells))
            else:  # nothing says of which record they are
                for title, cell in cells.items():
                    self.keep(title, cell)
        sent = self.values.get("custom") or {}
        if self.custom and isinstance(sent, dict):  # else the row is refused for it
            self.values["custom"] = {**sent, **self.custom}
        if self.faults:
            return Refused(row, {**self.faults, **self._wrong(asker)})
        return Body(row, self.values, tuple(names), self.id, past, tuple(self.unread))

    def _wrong(self, asker: Asker) -> Mapping[str, str]:
        """Return what is wrong with the values of cells that could be read."""
        try:
            self.kind.draft({name: value for name, value in self.values.items() if name not in self.faults}, asker)
        except Problem as problem:
            return problem.fields
        return {}

    def _settle_status(self) -> None:
        """Set the status that the row tells otherwise.

        A stage of another program may mean one: `Closed Won` is won, whatever stages there are here. Else columns of
        yes and no tell it: closed and not won is lost. What ended at some time has ended.
        """
        has_ended = bool(self.past) or self.answers.get(CLOSED, False)
        if has_ended and "done" in self.kind.writable:
            self.values.setdefault("done", True)
        if "status" in self.values or "status" not in self.kind.writable:
            return
        told = {word for word, is_so in self.answers.items() if is_so}
        if has_ended:
            told |= {"solved", "lost"} if self.answers.get("won") is False else {"solved"}
        means = words.choice(str(self.values["stage"]), MEANINGS) if "stage" in self.values else None
        choices = getattr(self.kind.writable["status"].type, "choices", ())
        found = means if means and stages.ends(self.kind) else next((word for word in choices if word in told), None)
        if found:
            self.values["status"] = found

    def _settle_past(self) -> dict[str, Any]:
        """Return what the row tells of the past; where it does not say that its record has ended, custom has it too."""
        past = {name: self.values.pop(name) for name in self.past}
        if not (self.is_own or self.values.get("done") is True or str(self.values.get("status")) in closings.ENDS):
            for title, cell in self.past.values():
                self.keep(title, cell)
        return past

    def _settle_money(self, asker: Asker) -> None:
        """Put amounts into hundredths of their currency, which the row has, or a sign beside one of them."""
        preferred = asker.preferences.currency
        said = str(self.values.get("currency") or "").upper()
        found: dict[str, str] = {}
        for name, amount, sign in self.money:
            known = numbers.currencies(sign)
            code = said if said in known else numbers.currency(sign, preferred) if sign else said or preferred
            if not code:
                what = f"may be one of {listed(known, 'or')}" if known else "is no currency"
                self.faults[name] = f"{sign} {what}; send the currency in a column of its own"
            elif sign and said and said not in known:
                self.faults[name] = f"is in {code}, but currency is {said}"
            else:
                found[name] = code
                cents = numbers.cents(amount, code)
                if cents is None:
                    self.faults[name] = _decimals(amount, code)
                self.values[name] = cents
        if len(set(found.values())) > 1:
            self.faults |= {name: f"is in {code}, another currency than the rest" for name, code in found.items()}
        elif found and any(sign for _, _, sign in self.money) and "currency" in self.kind.taken:
            self.values.setdefault("currency", next(iter(found.values())))


def _decimals(amount: Decimal, code: str) -> str:
    """Return what is wrong with an amount that has too many decimals."""
    if numbers.decimals_of(code) > 2 and not amount * 1000 % 1:
        return f"has a fraction of a hundredth of {code}, and amounts are kept in hundredths"
    whole = f"; write {amount * 1000:.0f} if its sign groups thousands" if numbers.is_like_grouped(amount) else ""
    return f"has more decimals than {code} has{whole}"
