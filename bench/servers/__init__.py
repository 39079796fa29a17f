"""Servers under measurement: processes on cores of their own, PostgreSQL, shares of a core, who takes webhooks."""
