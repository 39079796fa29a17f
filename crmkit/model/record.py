"""Record kinds. A kind is one msgspec class, whose annotations declare everything about its fields.

`kind_of(Contact)` reads the annotations once and returns the `Kind`. Validation, columns, filters, sorts, search, the
text line, JSON, the manual's table, OpenAPI and the audit diff are all derived from it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from crmkit import ids
from crmkit.model.bases import REACHED as REACHED  # noqa: PLC0414 - kinds import it from here
from crmkit.model.bases import Followed as Followed  # noqa: PLC0414 - kinds import it from here
from crmkit.model.bases import Record as Record  # noqa: PLC0414 - kinds import it from here
from crmkit.model.bases import Scored as Scored  # noqa: PLC0414 - kinds import it from here
from crmkit.model.bases import Tracked as Tracked  # noqa: PLC0414 - kinds import it from here
from crmkit.model.fields import Handle, Integer, KeyForm, KeyForms, Link
from crmkit.model.form import (
    NUMBERED,
    READ,
    SEARCHED,
    TITLE,
    Field,
    Form,
    Through,
    declared,
)
from crmkit.model.preferences import DEFAULTS, Preferences

# The order in which rows were created: what lists of kinds that never change are sorted by.
SEQ = Field("seq", Integer(), False, frozenset({READ}), "order of creation")


@dataclass(frozen=True)
class Index:
    """An index of a kind's table: `fields` are what it holds between workspace_id and id, `covers` what after them.

    Rows in which the field `filled` is NULL are left out; it is empty where none are. A value of the first field of a
    unique one leads to one row at most.
    """

    fields: tuple[str, ...]
    filled: str = ""
    is_unique: bool = False
    covers: tuple[str, ...] = ()


def index(*fields: str) -> Index:
    return Index(fields)


def partial(*fields: str, filled: str = "", covers: tuple[str, ...] = ()) -> Index:
    """Return an index without the rows in which a field, the first unless it is named, is NULL."""
    return Index(fields, filled or fields[0], covers=covers)


def unique(field: str) -> Index:
    return Index((field,), field, is_unique=True)


@dataclass(frozen=True, eq=False)
class Kind(Form):
    """A record kind. Handles begin with `name`, ids with `prefix`; paths and tables are named by `plural`."""

    plural: str
    prefix: str
    record: type[Record]
    help: str
    order: str
    indexes: tuple[Index, ...] = ()
    shares_activities: tuple[str, ...] = ()
    is_setting: bool = False  # part of how a workspace is set up: only admins write it, and delete it in one step
    prefixes: Mapping[str, str] = field(default_factory=dict)  # what each prefix of an id stands for
    forms: KeyForms = field(default_factory=dict)  # of the natural keys of all kinds
    joins: tuple[Field, ...] = ()  # what its records belong to by a membership: a filter, and a field of a POST

    @cached_property
    def title(self) -> Field:
        return next(field for field in self.fields if TITLE in field.marks)

    @cached_property
    def joined(self) -> Mapping[str, Field]:
        """Its `joins`, by the names that a filter has: campaign and campaign_id."""
        return {name: field for field in self.joins for name in (field.name.removesuffix("_id"), field.name)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all its fields."""
        return tuple(field.name for field in self.fields)

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names of all its fields, in the order of the record class and of its JSON."""
        return tuple(name for name in self.record.__struct_fields__ if name in self.by_name)

    @cached_property
    def blank(self) -> Mapping[str, Any]:
        """The fields of a record to which nothing was given, in the order in which it is built."""
        return {name: self.by_name[name].default for name in self.members}

    @cached_property
    def listed(self) -> tuple[str, ...]:
        """The names of the fields that list lines show."""
        return tuple(field.name for field in self.fields if field.listed)

    @cached_property
    def unique(self) -> tuple[str, ...]:
        """The names of the fields of which a value leads to one record at most."""
        return ("id", *(index.fields[0] for index in self.indexes if index.is_unique))

    @cached_property
    def merges_by(self) -> tuple[str, ...]:
        """The fields by which a POST merges into a live record, the first that finds one before the others."""
        return tuple(name for name in self.unique if self.by_name[name].writable)

    @cached_property
    def key_forms(self) -> tuple[KeyForm, ...]:
        """How its records are named in place of their ids: by each unique field that clients write."""
        fields = [self.by_name[name] for name in self.unique if self.by_name[name].writable]
        forms = [
            KeyForm(each.name, each.type, "" if each.type.names else each.name.removesuffix("_id")) for each in fields
        ]
        return tuple(sorted(forms, key=lambda form: form.word))

    @property
    def activity_link(self) -> str:
        """The field of an activity that holds the id of a record of this kind."""
        return f"{self.name}_id"

    @cached_property
    def is_logged(self) -> bool:
        """Whether activities are logged on records of this kind."""
        return issubclass(self.record, Followed)

    @cached_property
    def has_title(self) -> bool:
        """Whether people know records of this kind by a name."""
        return any(TITLE in field.marks for field in self.fields)

    @cached_property
    def is_searched(self) -> bool:
        """Whether records of this kind can be searched."""
        return self.has_title or bool(self.searched)

    @cached_property
    def by_country(self) -> tuple[Field, ...]:
        """The fields that are compared by what they mean in the record's country."""
        return tuple(field for field in self.fields if field.type.by_country)

    @cached_property
    def searched(self) -> tuple[Field, ...]:
        """The fields that search looks at, without the title."""
        return tuple(field for field in self.fields if SEARCHED in field.marks)

    @cached_property
    def taken(self) -> Mapping[str, Field]:
        return {**self.writable, **{field.name: field for field in self.joins}}

    def _why_unknown(self, name: str, known: Iterable[str]) -> str:
        if any(field.name == name for field in self.joins):
            return "is taken by POST alone, which joins the record that it creates or merges into"
        return super()._why_unknown(name, known)

    def with_prefixes(self, prefixes: Mapping[str, str], forms: KeyForms | None = None) -> "Kind":
        """Return this kind with links and handles that know what prefixes stand for, and the forms of natural keys."""
        forms = forms or {}
        fields = (
            replace(field, type=replace(field.type, prefixes=prefixes, forms=forms))
            if isinstance(field.type, Link | Handle)
            else field
            for field in self.fields
        )
        return replace(self, fields=tuple(fields), prefixes=prefixes, forms=forms)

    def handle(self, id: str) -> str:
        return f"{self.name}/{id}"

    def build(self, id: str, *values: Any) -> Record:
        """Return the record with this id and the values of its other fields, in the order of the class."""
        make: Callable[..., Record] = self.record
        return make(self.handle(id), id, *values)

    @cached_property
    def composed(self) -> Field | None:
        """The field that is composed of others."""
        return next((field for field in self.fields if field.parts), None)

    @cached_property
    def numbered(self) -> Field | None:
        """The field of codes that new records are numbered by."""
        return next((field for field in self.fields if NUMBERED in field.marks), None)

    @cached_property
    def preferring(self) -> tuple[Field, ...]:
        """The fields whose default the workspace chooses."""
        return tuple(field for field in self.fields if field.preference)

    def new(self, values: Mapping[str, Any], id: str = "", preferences: Preferences = DEFAULTS) -> Record:
        """Return a record that is not stored: without an id, unless it has that of a deleted one.

        None, as in `values` or of a field that is not in them, stands for the field's default.
        """
        given = {name: value for name, value in values.items() if value is not None}
        preferred = {field.name: field.default_of(preferences) for field in self.preferring}
        make: Callable[..., Record] = self.record
        return make(self.handle(id), *{**self.blank, **preferred, **given, "id": id}.values())


@dataclass(frozen=True)
class Reference:
    """A field `link` of `kind` that refers to a record of the kind `to`.

    The field `name` holds a copy of its title; it is empty where none does. `cascades` is that of the Link.
    """

    kind: Kind
    link: str
    name: str
    to: Kind
    cascades: bool = False

    @property
    def place(self) -> str:
        """The name under which the record itself may stand in the body of a POST: `company` beside `company_id`."""
        return self.link.removesuffix("_id")


@dataclass(frozen=True, eq=False)
class Kinds:
    """All kinds there are. `records` are those that clients create, list, change and delete.

    A `membership` joins a record to another: its required link leads to that, one of its other links to the member.
    """

    records: tuple[Kind, ...]
    activity: Kind
    audit: Kind
    membership: Kind
    settings: tuple[Kind, ...] = ()  # those too, for which Kind.is_setting

    @classmethod
    def of(cls, records: Sequence[Kind], activity: Kind, audit: Kind, membership: Kind, *settings: Kind) -> "Kinds":
        """Return the kinds as declared, each of which knows the prefixes of all. Raises ValueError if two share one."""
        prefixes = dict(ids.PEOPLE)
        for kind in (*records, *settings, activity, audit, membership):
            if prefixes.setdefault(kind.prefix, kind.name) != kind.name:
                raise ValueError(
                    f"{kind.name} and {prefixes[kind.prefix]} both have ids that begin with {kind.prefix}_"
                )
        forms = {kind.prefix: kind.key_forms for kind in (*records, activity) if kind.key_forms}
        known = membership.with_prefixes(prefixes, forms)
        return cls(
            tuple(_joining(kind.with_prefixes(prefixes, forms), known) for kind in records),
            activity.with_prefixes(prefixes, forms),
            audit.with_prefixes(prefixes, forms),
            known,
            tuple(kind.with_prefixes(prefixes, forms) for kind in settings),
        )

    @property
    def prefixes(self) -> Mapping[str, str]:
        """What each prefix of an id stands for, as a handle spells it."""
        return self.audit.prefixes

    @property
    def forms(self) -> KeyForms:
        """The forms of the natural keys of each kind that has some."""
        return self.audit.forms

    @cached_property
    def by_prefix(self) -> Mapping[str, Kind]:
        """The kinds by the prefixes of their ids."""
        return {kind.prefix: kind for kind in self.all}

    @cached_property
    def all(self) -> tuple[Kind, ...]:
        return (*self.related, *self.settings, self.activity, self.audit)

    @property
    def related(self) -> tuple[Kind, ...]:
        """The kinds whose fields may be links that the log keeps."""
        return (*self.records, self.membership)

    @cached_property
    def capped(self) -> tuple[str, ...]:
        """What a plan may cap, as settings and answers name it."""
        plurals = (kind.plural for kind in (*self.records, *self.settings))
        return (*plurals, "members", "workspaces", self.activity.plural)

    @cached_property
    def by_word(self) -> Mapping[str, Kind]:
        """The kinds by their names, in the singular and in the plural."""
        return {word: kind for kind in self.all for word in (kind.name, kind.plural)}

    @cached_property
    def _by_class(self) -> Mapping[type, Kind]:
        return {kind.record: kind for kind in self.all}

    def of_record(self, record: Any) -> Kind | None:
        """Return the kind of a record, None for anything else."""
        return self._by_class.get(type(record))

    @cached_property
    def links(self) -> Mapping[Kind, tuple[Reference, ...]]:
        """Of each kind, the fields that refer to other records and that clients write."""
        return {
            kind: tuple(
                Reference(kind, field.name, kind.name_of(field), self.by_prefix[field.type.prefix], field.type.cascades)
                for field in kind.writable.values()
                if isinstance(field.type, Link)
            )
            for kind in (*self.related, *self.settings, self.activity)
        }

    @cached_property
    def places(self) -> Mapping[Kind, Mapping[str, Reference]]:
        """Of each kind, the links by the names under which the records themselves may stand in a POST."""
        return {kind: {link.place: link for link in links} for kind, links in self.links.items()}

    @cached_property
    def whole(self) -> Reference:
        """The link of a membership to what its member is in."""
        membership = self.membership
        return next(link for link in self.links[membership] if membership.by_name[link.link].required)

    @cached_property
    def members(self) -> tuple[Reference, ...]:
        """The links of a membership of which one leads to its member."""
        return tuple(link for link in self.links[self.membership] if link is not self.whole)

    def member_of(self, membership: Record) -> tuple[Kind, str]:
        """Return (kind, id) of the record that a membership makes a member."""
        return next((link.to, id) for link in self.members if (id := getattr(membership, link.link)) is not None)

    @cached_property
    def linking_first(self) -> tuple[Kind, ...]:
        """The kinds of records, each before those that it links to."""
        found: dict[Kind, None] = {}

        def visit(kind: Kind) -> None:
            if kind not in found:
                for link in self.links[kind]:
                    visit(link.to)
                found[kind] = None

        for kind in self.related:
            visit(kind)
        return tuple(reversed(found))

    @cached_property
    def searched(self) -> tuple[Kind, ...]:
        """The kinds whose records are found by their texts."""
        return tuple(kind for kind in (*self.records, self.activity) if kind.is_searched)

    @cached_property
    def logged(self) -> tuple[Kind, ...]:
        """The kinds that activities are logged on."""
        return tuple(kind for kind in self.records if kind.is_logged)

    @cached_property
    def references(self) -> Mapping[Kind, tuple[Reference, ...]]:
        """Of each kind, the fields of all kinds but activities that refer to its records."""
        every = [link for kind in self.related for link in self.links[kind]]
        return {kind: tuple(link for link in every if link.to is kind) for kind in (*self.related, *self.settings)}


def _joining(kind: Kind, membership: Kind) -> Kind:
    """Return the kind with what its records may join by a membership; as it is where no membership links to it."""
    links = [field for field in membership.writable.values() if isinstance(field.type, Link)]
    whole, member = next(link for link in links if link.required), Link(kind.prefix, cascades=True)
    own = next((link for link in links if link.type == member and link is not whole), None)
    if own is None:
        return kind
    through = Through(membership.plural, own.name, whole.name)
    return replace(kind, joins=(replace(whole, nullable=True, marks=frozenset(), through=through),))


def kind_of(
    record: type[Record],
    name: str,
    plural: str,
    prefix: str,
    order: str = "updated_at",
    indexes: tuple[Index, ...] = (),
    shares_activities: tuple[str, ...] = (),
    is_setting: bool = False,
) -> Kind:
    """Return the Kind that a record class declares; `id` is its first field.

    Lists are sorted by the field `order`, newest first, unless they say otherwise; "" is the order of creation. An
    activity that is logged on a record is logged on those too that the links in `shares_activities` lead to.
    """
    id = Field("id", Link(prefix), False, frozenset({READ}), "its id; the line starts with it")
    fields, help = (id, *declared(record)), (record.__doc__ or "").strip()
    return Kind(name, fields, plural, prefix, record, help, order, indexes, shares_activities, is_setting)
