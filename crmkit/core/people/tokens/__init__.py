"""How a token is made and narrowed: never with more than the one that asks, or than it had."""
