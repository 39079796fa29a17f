"""Counts: how many records filters find, by what they have in common, and what their numbers add up to."""
