"""Floor 2: the only SQL. Tuples in the database, records outside."""
