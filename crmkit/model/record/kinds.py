"""All kinds there are, as one value: what links to what, and what each prefix of an id stands for."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit import ids
from crmkit.model.access import AREAS
from crmkit.model.fields import KeyForms, Link
from crmkit.model.form import Through
from crmkit.model.record.bases import Record
from crmkit.model.record.kind import Kind


class Reference(Struct, frozen=True):
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


class Kinds(Struct, frozen=True, eq=False, dict=True):
    """All kinds there are. `records` are those that clients create, list, change and delete.

    A `membership` joins a record to another: its required link leads to that, one of its other links to the member. A
    `dismissal` names two records that are likely one, and are two.
    """

    records: tuple[Kind, ...]
    activity: Kind
    audit: Kind
    membership: Kind
    dismissal: Kind
    settings: tuple[Kind, ...] = ()  # those too, for which Kind.is_setting

    @classmethod
    def of(
        cls,
        records: Sequence[Kind],
        activity: Kind,
        audit: Kind,
        membership: Kind,
        dismissal: Kind,
        *settings: Kind,
    ) -> "Kinds":
        """Return the kinds as declared, each of which knows the prefixes of all. Raises ValueError if two share one."""
        prefixes = dict(ids.OTHERS)
        for kind in (*records, *settings, activity, audit, membership, dismissal):
            if prefixes.setdefault(kind.prefix, kind.name) != kind.name:
                raise ValueError(
                    f"{kind.name} and {prefixes[kind.prefix]} both have ids that begin with {kind.prefix}_"
                )
        forms = {kind.prefix: kind.key_forms for kind in (*records, *settings, activity) if kind.key_forms}
        known = membership.with_prefixes(prefixes, forms)
        return cls(
            tuple(_joining(kind.with_prefixes(prefixes, forms), known) for kind in records),
            activity.with_prefixes(prefixes, forms),
            audit.with_prefixes(prefixes, forms),
            known,
            dismissal.with_prefixes(prefixes, forms),
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
        """The kinds of records, and those that relate records to each other."""
        return (*self.records, self.membership, self.dismissal)

    @cached_property
    def capped(self) -> tuple[str, ...]:
        """What a plan may cap, as settings and answers name it."""
        plurals = (kind.plural for kind in (*self.records, *self.settings) if kind.is_capped)
        return (*plurals, "members", "workspaces", self.activity.plural)

    @cached_property
    def areas(self) -> tuple[str, ...]:
        """What the scopes of tokens may name."""
        return (*(kind.area for kind in (*self.records, self.activity, self.audit)), *AREAS)

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

    def joined(self, kind: Kind) -> tuple[Reference, ...]:
        """Return what a POST of the kind may name that its record joins."""
        return tuple(
            Reference(kind, field.name, "", self.by_prefix[field.type.prefix])
            for field in kind.joins
            if isinstance(field.type, Link)
        )

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
    def scored(self) -> tuple[Kind, ...]:
        """The kinds whose records scoring rules give points."""
        return tuple(kind for kind in self.records if kind.is_scored)

    @cached_property
    def alike(self) -> tuple[Kind, ...]:
        """The kinds of which two records may be found to be likely one."""
        return tuple(kind for kind in self.records if kind.alike)

    @cached_property
    def references(self) -> Mapping[Kind, tuple[Reference, ...]]:
        """Of each kind, the fields of all kinds but activities that refer to its records."""
        every = [link for kind in self.related for link in self.links[kind]]
        return {kind: tuple(link for link in every if link.to is kind) for kind in (*self.related, *self.settings)}


def _joining(kind: Kind, membership: Kind) -> Kind:
    """Return the kind with what its records may join by a membership; as it is where no membership links to it."""
    links = {field: field.type for field in membership.writable.values() if isinstance(field.type, Link)}
    whole = next(link for link in links if link.required)
    members = (link for link, to in links.items() if to.prefix == kind.prefix and to.cascades)
    own = next((link for link in members if link is not whole), None)
    if own is None:
        return kind
    through = Through(membership.plural, own.name, whole.name)
    return replace(kind, joins=(replace(whole, nullable=True, marks=frozenset(), through=through),))
