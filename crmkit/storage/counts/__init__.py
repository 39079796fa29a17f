"""Counts: how many records a query finds, by what they have in common, and what their numbers add up to.

`access` says how the rows are read, `sql` is the statement that groups them, `groups` runs it.
"""
