"""Webhooks: `verbs` for clients; `job` reads the log for one webhook and sends what it finds, `waking` wakes it.

`events` makes events of entries, `lanes` says what may be sent at once, `message` what is sent.
"""
