"""Proposals: what a write would change is kept in its place, until somebody approves just that or rejects it.

`trying` tells what a write changes, `differences` how that differs from what was shown, `verbs` propose, approve,
reject and list.
"""
