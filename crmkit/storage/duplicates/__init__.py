"""Records that are likely one: how they are looked up, and the pairs that were found."""
