"""What is kept of requests: the confirm tokens that were shown, the answers to those that were sent under a key."""
