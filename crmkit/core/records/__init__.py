"""Verbs that write records, and the rules they follow."""
