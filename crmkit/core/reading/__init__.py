"""Reading records.

`lists` reads one record, or a page of those that a query finds; `filter_notes` says what an empty one may be due to,
`keys` looks up natural keys in filters. `feeds` are lists with a few parameters of their own: activities use it, and
`audit`, the log of all changes. `search` looks in all kinds at once. `reminders` lists the follow-ups that are due.
"""
