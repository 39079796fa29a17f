"""Records that are likely one: found as they are written, listed in pairs, dismissed."""
