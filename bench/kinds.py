"""The kinds of the product, by the names that the bench calls them by."""

from crmkit import boot

KINDS = boot.KINDS.records
CONTACT, COMPANY, DEAL = KINDS
ACTIVITY, AUDIT = boot.KINDS.activity, boot.KINDS.audit
