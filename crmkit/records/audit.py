"""Audit entry: what changed, who did it, when. Written with every change, by the storage; nobody edits it."""

from typing import Annotated, Any

from crmkit.model.fields import Email, Json, Time, Word
from crmkit.model.form import READ
from crmkit.model.record import Record, index, kind_of


class AuditEntry(Record, frozen=True):
    """One change to a record, a member or a token."""

    at: Annotated[str, Time(), READ, "when"]
    by: Annotated[str, Email(), READ, "address of who did it"]
    token_name: Annotated[str, Word(), READ, "the token they used"]
    action: Annotated[str, Word(), READ, "kind and verb, like contact.update"]
    target: Annotated[str, Word(), READ, "handle of what changed"]
    changes: Annotated[dict[str, Any], Json(), READ, "each changed field as [old, new]"]


AUDIT = kind_of(
    AuditEntry,
    name="audit",
    plural="audit",
    prefix="au",
    order="",
    indexes=(index("seq"), index("target", "seq"), index("by", "seq"), index("action", "seq"), index("at", "seq")),
)
