"""What a kind of records is, and what concerns the kind as a whole beside its fields."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from crmkit.errors import a
from crmkit.model.fields import Handle, Integer, KeyForm, KeyForms, Link, Location
from crmkit.model.form import (
    NUMBERED,
    PAST,
    READ,
    SEARCHED,
    TITLE,
    Field,
    Form,
    declared,
)
from crmkit.model.preferences import DEFAULTS, Preferences
from crmkit.model.record.alike import Alike
from crmkit.model.record.bases import Followed, Record, Scored

# The order in which rows were created: what lists of kinds that never change are sorted by.
SEQ = Field("seq", Integer(), False, frozenset({READ}), "order of creation")

# What records are filtered by that have a latitude and a longitude.
LOCATION = Field("location", Location(), True, frozenset({READ}), "where it is")


class Index(Struct, frozen=True):
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


class Forecast(Struct, frozen=True):
    """What the open records of a kind may bring in: their field `amount`, in their currency, on the day `closes`.

    The kind has a stage, and a status of which one is open. What its open records add up to is kept, by stage and
    currency.
    """

    amount: str
    closes: str


class Reminds(Struct, frozen=True):
    """The fields of what a kind reminds of: the one that says when, that of its note, that which says it is done."""

    at: str
    note: str = ""
    done: str = ""


class Kind(Form, frozen=True, eq=False, dict=True):
    """A record kind. Handles begin with `name`, ids with `prefix`, paths with `path`; tables are named by `plural`.

    A token must be let into the `area` to read or write its records.
    """

    plural: str
    prefix: str
    record: type[Record]
    help: str
    order: str
    path: str
    area: str
    indexes: tuple[Index, ...] = ()
    shares_activities: tuple[str, ...] = ()
    alike: tuple[Alike, ...] = ()  # what makes two of its records likely one, the surest first
    is_setting: bool = False  # part of how a workspace is set up: no POST merges into it, a delete takes one step
    is_admins: bool = False  # only admins write it
    is_admins_to_read: bool = False  # only admins read it
    is_known_by: tuple[str, ...] = ()  # the fields that together lead to one record; without them each unique one
    is_capped: bool = True  # a plan may cap how many there are
    is_mergeable: bool = False  # two of its records may turn out to be one
    forecast: Forecast | None = None  # of what may be sold
    is_person: bool = False  # its records have a card in an address book
    quiet_days: int = 0  # after so many without a contact made, a record is quiet; 0: none ever is
    prefixes: Mapping[str, str] = field(default_factory=dict)  # what each prefix of an id stands for
    forms: KeyForms = field(default_factory=dict)  # of the natural keys of all kinds
    joins: tuple[Field, ...] = ()  # what its records belong to by a membership: a filter, and a field of a POST
    secrets: tuple[Field, ...] = ()  # that a POST and a PATCH take, and no record has
    moved: tuple[tuple[str, Any], ...] = ()  # what its fields are, by their names, once they moved to another server
    called: str = ""  # in sentences, where its name means something else too

    @property
    def noun(self) -> str:
        return self.called or self.name

    @cached_property
    def title(self) -> Field:
        return next(field for field in self.fields if TITLE in field.marks)

    @cached_property
    def joined(self) -> Mapping[str, Field]:
        """Its `joins`, by the names that a filter has: campaign and campaign_id."""
        return {name: field for field in self.joins for name in (field.name.removesuffix("_id"), field.name)}

    @cached_property
    def filters(self) -> Mapping[str, Field]:
        """What its records are filtered by, beside keys of custom: fields, its `joined`, and their location if any."""
        own = {field.name: field for field in self.fields if field.type.operators}
        place = {LOCATION.name: LOCATION} if own.keys() >= {"latitude", "longitude"} else {}
        return {**own, **self.joined, **{name: field for name, field in place.items() if name not in own}}

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
    def empty(self) -> Record:
        """A record to which nothing was given."""
        make: Callable[..., Record] = self.record
        return make("", *self.blank.values())

    @cached_property
    def listed(self) -> tuple[str, ...]:
        """The names of the fields that list lines show."""
        return tuple(field.name for field in self.fields if field.listed)

    @cached_property
    def unique(self) -> tuple[str, ...]:
        """The names of the fields of which a value leads to one record at most."""
        return ("id", *(index.fields[0] for index in self.indexes if index.is_unique))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The unique fields that clients write."""
        return tuple(name for name in self.unique if self.by_name[name].writable)

    @cached_property
    def merges_by(self) -> tuple[str, ...]:
        """The fields by which a POST merges into a live record, the first that finds one before the others."""
        return () if self.is_setting else self.keys

    @cached_property
    def known_by(self) -> tuple[tuple[str, ...], ...]:
        """The fields by which an import finds the record of a row: a POST changes no setting, an import does."""
        return (self.is_known_by,) if self.is_known_by else tuple((name,) for name in self.keys)

    @cached_property
    def merges_alike(self) -> bool:
        """Whether a POST may merge into a record that is likely the same, though no key leads to it."""
        return any(rule.merges for rule in self.alike)

    def reason(self, rule: Alike) -> str:
        """Return the fields by which two records are likely one, as answers name them: `name and city`."""
        same = sorted(rule.same, key=lambda name: TITLE not in self.by_name[name].marks)
        return " and ".join(name.removesuffix("_id") for name in (*same, rule.like) if name)

    @cached_property
    def key_forms(self) -> tuple[KeyForm, ...]:
        """How its records are named in place of their ids: by each unique field that clients write."""
        fields = [self.by_name[name] for name in self.keys]
        words = ["" if each.type.names else each.name.removesuffix("_id") for each in fields]
        forms = [KeyForm(each.name, each.type, word, self.is_setting) for each, word in zip(fields, words, strict=True)]
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
    def is_scored(self) -> bool:
        """Whether scoring rules give its records points."""
        return issubclass(self.record, Scored)

    @cached_property
    def has_title(self) -> bool:
        """Whether people know records of this kind by a name."""
        return any(TITLE in field.marks for field in self.fields)

    @cached_property
    def reminds(self) -> Reminds | None:
        """What it reminds of: of a record that is followed up, or of one that is due until it is done."""
        if "follow_up_at" in self.by_name:
            return Reminds("follow_up_at", note="follow_up_note")
        return Reminds("due_at", done="done") if {"due_at", "done"} <= self.by_name.keys() else None

    @cached_property
    def is_searched(self) -> bool:
        """Whether records of this kind can be searched."""
        return self.has_title or bool(self.searched)

    @cached_property
    def by_country(self) -> tuple[Field, ...]:
        """The fields that are compared by what they mean in the record's country."""
        return tuple(field for field in self.fields if field.type.by_country)

    @cached_property
    def accented(self) -> tuple[Field, ...]:
        """The fields by which likely duplicates are looked up, that may differ in accents."""
        names = dict.fromkeys(name for rule in self.alike for name in rule.same)
        return tuple(field for field in map(self.by_name.__getitem__, names) if field.type.accented)

    @cached_property
    def searched(self) -> tuple[Field, ...]:
        """The fields that search looks at, without the title."""
        return tuple(field for field in self.fields if SEARCHED in field.marks)

    @cached_property
    def taken(self) -> Mapping[str, Field]:
        return {**self.writable, **{field.name: field for field in (*self.joins, *self.secrets)}}

    @cached_property
    def edited(self) -> Mapping[str, Field]:
        return {**self.writable, **{field.name: field for field in self.secrets}}

    @cached_property
    def past(self) -> Form:
        """The form of what an import may tell of the past of a record, beside what a POST takes."""
        return Form(
            self.name, tuple(replace(each, marks=each.marks - {PAST}) for each in self.fields if PAST in each.marks)
        )

    @cached_property
    def imported(self) -> Mapping[str, Field]:
        """The fields that an import takes."""
        return {**self.taken, **self.past.writable}

    def _why_unknown(self, name: str, known: Iterable[str]) -> str:
        if any(field.name == name for field in self.joins):
            return "is taken by POST alone, which joins the record that it creates or merges into"
        if name == "items" and name not in self.by_name and not self.is_setting:
            return f"is no field of {a(self.noun)}; POST {self.path}/batch takes many"
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
        for each in self.preferring:
            given.setdefault(each.name, each.default_of(preferences))
        return replace(self.empty, **{**given, "handle": self.handle(id), "id": id})


def kind_of(
    record: type[Record],
    name: str,
    plural: str,
    prefix: str,
    order: str = "updated_at",
    path: str = "",
    area: str = "",
    indexes: tuple[Index, ...] = (),
    shares_activities: tuple[str, ...] = (),
    alike: tuple[Alike, ...] = (),
    is_setting: bool = False,
    is_admins: bool = False,
    is_admins_to_read: bool = False,
    is_known_by: tuple[str, ...] = (),
    is_capped: bool = True,
    is_mergeable: bool = False,
    forecast: Forecast | None = None,
    is_person: bool = False,
    quiet_days: int = 0,
    secrets: tuple[Field, ...] = (),
) -> Kind:
    """Return the Kind that a record class declares; `id` is its first field.

    Lists are sorted by the field `order`, newest first, unless they say otherwise; "" is the order of creation. Its
    `path` is its plural unless that is given, its `area` that too, or `workspace` for a setting. An activity that is
    logged on a record is logged on those too that the links in `shares_activities` lead to.
    """
    id = Field("id", Link(prefix), False, frozenset({READ}), "its id; the line starts with it")
    fields, help = (id, *declared(record)), (record.__doc__ or "").strip()
    return Kind(
        *(name, fields, plural, prefix, record, help),
        order=order,
        path=f"/{path or plural}",
        area=area or ("workspace" if is_setting else plural),
        indexes=indexes,
        shares_activities=shares_activities,
        alike=alike,
        is_setting=is_setting,
        is_admins=is_admins,
        is_admins_to_read=is_admins_to_read,
        is_known_by=is_known_by,
        is_capped=is_capped,
        is_mergeable=is_mergeable,
        forecast=forecast,
        is_person=is_person,
        quiet_days=quiet_days,
        secrets=secrets,
    )
