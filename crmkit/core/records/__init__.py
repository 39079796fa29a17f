"""Writing records: the verbs, and the rules that they follow.

`write` creates, merges, changes and deletes records of every kind; `activities` logs, reads and deletes activities.
`relations` checks links between records, `derived` keeps what records repeat and count of each other. `followups` has
the rule of follow-ups. `quotas` holds the caps of plans.
"""
