"""The audit log is sealed beside requests, and compared with its seals: whoever changed what it says is found out."""
