"""Writing records: the verbs, and the rules that they follow.

`write` creates, merges, changes and deletes records of every kind; `activities` logs, reads and deletes activities.
`nested` checks a body that holds other records, `relations` links between records, `versions` the version that a client
expects. `settled` writes a record as its rules have it.
"""
