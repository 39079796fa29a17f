"""The three ways to read: `reader` batches short reads, `scans` has lists and searches take turns, `streams` runs reads
that last as long as their clients take.
"""
