"""Verbs that only read: lists, search over all kinds, the audit log, reminders."""
