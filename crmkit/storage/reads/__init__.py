"""Two ways to read, whatever the database is: `scans` has lists and searches take turns, `streams` runs reads of any
length, each into a `spool` from which its client is sent. `reading` is what both are told of the database.
"""
