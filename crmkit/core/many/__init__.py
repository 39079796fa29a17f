"""Verbs that write many records at once: a batch of new ones."""
