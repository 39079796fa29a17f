"""A write that is proposed: the request as it is kept, and the answers that tell of it."""
