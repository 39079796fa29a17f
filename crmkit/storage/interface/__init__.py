"""What storage asks of a database: a connection, a transaction, and what statements are made of."""
