"""Verbs that write many records at once.

`batch` creates what one body holds. `by_filter` changes or deletes all that a query finds: at once, or by the job
`in_steps` where they are many. `act` is what both do with one record, `found` the set that a query found, `affected`
how many other records are written with them.
"""
