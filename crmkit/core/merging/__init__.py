"""Merging one record into another: `merge` is the verb, `united` what the other holds then, `moved` what follows it."""
