"""What is kept of requests: confirm tokens, answers to those under a key, when a token asked for a brief."""
