"""The kinds of the product, by the names that tests call them by."""

from crmkit import boot

REGISTRY = boot.KINDS
KINDS = REGISTRY.records
CONTACT, COMPANY, DEAL, TASK = KINDS[:4]
PREFIXES = REGISTRY.prefixes
ACTIVITY, AUDIT = REGISTRY.activity, REGISTRY.audit
