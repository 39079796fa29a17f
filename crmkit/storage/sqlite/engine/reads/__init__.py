"""The three ways to read: `reader` batches short reads, `scans` has lists and searches take turns, `streams` runs reads
of any length, each into a `spool` from which its client is sent.
"""
