"""What the log tells of records: their entries, who set which field, how one was, what changed since, and who waits."""
