"""The erasure of a person: the record goes at once, then a job clears the log and all else that tells of them."""
