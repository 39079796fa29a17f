"""Floor 2, the nouns: one small file for each record kind. Start reading here."""

from crmkit.model.record import Kind
from crmkit.records.activity import ACTIVITY
from crmkit.records.audit import AUDIT
from crmkit.records.company import COMPANY
from crmkit.records.contact import CONTACT
from crmkit.records.deal import DEAL

# The kinds that clients create, list, change and delete.
KINDS: tuple[Kind, ...] = (CONTACT, COMPANY, DEAL)

__all__ = ["ACTIVITY", "AUDIT", "COMPANY", "CONTACT", "DEAL", "KINDS"]
