"""Floor 1, pure: what a record kind is and what a query is."""
