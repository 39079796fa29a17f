"""Records that are likely one: how they are looked up, which values no record has yet, the pairs that were found."""
