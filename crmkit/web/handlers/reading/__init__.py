"""The routes that read across kinds: search, reminders, the audit log."""
