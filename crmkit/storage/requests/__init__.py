"""What is kept of requests: the confirm tokens that were shown."""
