"""Floor 2, the nouns: one small file for each record kind. Start reading here."""

from crmkit.model.record import Kind
from crmkit.records.audit import AUDIT
from crmkit.records.contact import CONTACT

# The kinds that clients create, list, change and delete.
KINDS: tuple[Kind, ...] = (CONTACT,)

__all__ = ["AUDIT", "CONTACT", "KINDS"]
