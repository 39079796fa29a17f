"""The kinds of the product, by the names that the bench calls them by."""

from crmkit import boot

REGISTRY = boot.KINDS
KINDS = REGISTRY.records
CONTACT, COMPANY, DEAL, TASK = KINDS[:4]
ACTIVITY, AUDIT = REGISTRY.activity, REGISTRY.audit
