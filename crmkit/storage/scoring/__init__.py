"""Scores: the active rules of a workspace, and what they make of its records."""
