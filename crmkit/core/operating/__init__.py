"""What the operator is told of the running server: figures of its database, its mail, its jobs."""
