"""Proposals: what one is, and the table that keeps them."""
