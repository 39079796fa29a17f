"""The kinds of the product, by the names that tests call them by."""

from crmkit import boot

REGISTRY = boot.KINDS
KINDS = REGISTRY.records
CONTACT, COMPANY, DEAL, TASK = KINDS[:4]
TICKET, CAMPAIGN, CONVERSION = (REGISTRY.by_word[name] for name in ("ticket", "campaign", "conversion"))
MEMBERSHIP, DISMISSAL = REGISTRY.membership, REGISTRY.dismissal
NAMED = tuple(kind for kind in KINDS if kind.is_searched)  # whose records have a title
LOGGED = REGISTRY.logged  # that activities are logged on
PREFIXES = REGISTRY.prefixes
ACTIVITY, AUDIT = REGISTRY.activity, REGISTRY.audit
