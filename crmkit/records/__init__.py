"""Floor 2, the nouns: one small file for each record kind. Start reading here."""

from crmkit.model.record import Kind, Kinds
from crmkit.records.activity import activity_of
from crmkit.records.audit import audit_of
from crmkit.records.between.dismissal import DISMISSAL
from crmkit.records.between.membership import MEMBERSHIP
from crmkit.records.campaign import CAMPAIGN
from crmkit.records.company import COMPANY
from crmkit.records.contact import CONTACT
from crmkit.records.conversion import CONVERSION
from crmkit.records.deal import DEAL
from crmkit.records.settings.field import field_of
from crmkit.records.settings.rule import rule_of
from crmkit.records.settings.view import VIEW
from crmkit.records.settings.webhook import webhook_of
from crmkit.records.task import TASK
from crmkit.records.ticket import TICKET

# the kinds that clients create, list, change and delete, in the order in which the manual has them
DECLARED: tuple[Kind, ...] = (CONTACT, COMPANY, DEAL, TASK, TICKET, CAMPAIGN, CONVERSION)


def kinds_of(declared: tuple[Kind, ...]) -> Kinds:
    """Return all kinds of a product that has these kinds of records."""
    activity = activity_of([kind for kind in declared if kind.is_logged])
    field = field_of([kind for kind in declared if kind.custom])
    settings = (field, VIEW, rule_of(declared), webhook_of((*declared, activity)))
    log = audit_of((*declared, activity, MEMBERSHIP, DISMISSAL, *settings))
    return Kinds.of(declared, activity, log, MEMBERSHIP, DISMISSAL, *settings)


__all__ = ["DECLARED", "kinds_of"]
