"""Exports: all records that filters find, as a file."""
