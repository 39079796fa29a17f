"""Scores beyond those that follow each write: all records in a run, one record, why it has its score."""
