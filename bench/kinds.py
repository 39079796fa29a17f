"""The kinds of the product, by the names that the bench calls them by."""

from crmkit import boot

REGISTRY = boot.KINDS
KINDS = REGISTRY.records
CONTACT, COMPANY, DEAL = KINDS[:3]
ACTIVITY, AUDIT = REGISTRY.activity, REGISTRY.audit
