"""Audit entry: what changed, who did it, when. Written with every change, by the storage; nobody edits it."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec.structs import replace

from crmkit import ids
from crmkit.model.fields import Email, Handle, Json, Time, Word
from crmkit.model.form import READ
from crmkit.model.record import Kind, Record, index, kind_of, partial

OF_RECORDS = ("create", "update", "delete", "restore")
MERGE = "merge"  # of the record that went into another
ERASE = "erase"  # of a person, of whom nothing else stays
# what is logged beside changes of records; a test compares it with the verbs that log
OF_PEOPLE = {
    "workspace": ("create", "update"),
    "member": ("create", "update", "delete"),
    "invite": ("create", "update", "delete"),
    "token": ("create", "update", "revoke"),
    "link": ("create", "delete"),
    "pipeline": ("update",),
    "scoring": ("run",),
    "proposal": ("approve", "reject"),
    "operation": ("undo",),
}


class AuditEntry(Record, frozen=True):
    """One change to a record, a member or a token."""

    at: Annotated[str, Time(), READ, "when"]
    by: Annotated[str, Email(takes_me=True), READ, "address of who did it"]
    token_name: Annotated[str, Word(), READ, "the token they used"]
    action: Annotated[str, Word(), READ, "kind and verb, like contact.update"]
    target: Annotated[str, Handle(), READ, "handle of what changed"]
    changes: Annotated[dict[str, Any], Json(), READ, "each changed field as [old, new]; none once erased"]


def _verbs(kind: Kind) -> tuple[str, ...]:
    return (*OF_RECORDS, *((MERGE,) if kind.is_mergeable else ()), *((ERASE,) if kind.is_person else ()))


def audit_of(kinds: Sequence[Kind]) -> Kind:
    """Return the kind of the log of these kinds, which knows all actions and all kinds of handles."""
    verbs: dict[str, tuple[str, ...]] = {kind.name: _verbs(kind) for kind in kinds} | OF_PEOPLE
    actions = (f"{noun}.{verb}" for noun, each in verbs.items() for verb in each)
    words = {word: kind.name for kind in kinds for word in (kind.name, kind.plural)}
    words |= {word: name for name in ids.OTHERS.values() for word in (name, f"{name}s")}
    words |= dict.fromkeys(("member", "members"), "user") | dict.fromkeys(("pipeline", "pipelines"), "pipeline")
    pipelines = tuple(f"pipeline/{kind.plural}" for kind in kinds if "stage" in kind.writable)
    types = {"action": Word(tuple(actions)), "target": Handle(words, pipelines)}
    log = kind_of(
        AuditEntry,
        name="audit",
        plural="audit",
        prefix="au",
        order="",
        indexes=(
            index("seq"),
            index("target", "seq"),
            index("by", "seq"),
            index("action", "seq"),
            index("at", "seq"),
            partial("op", "seq"),
            partial("moved_at", "target"),
        ),
    )
    return replace(log, fields=tuple(replace(field, type=types.get(field.name, field.type)) for field in log.fields))
