"""Requests a second: beside the limits of the machine, through faces, on PostgreSQL, beside other servers."""
