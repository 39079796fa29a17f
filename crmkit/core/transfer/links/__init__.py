"""Links: a path that people read without a token, for a while."""
