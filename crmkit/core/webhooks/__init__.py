"""Webhooks: `verbs` for clients; `job` reads the log for one webhook and sends what it finds, `waking` wakes it.

`events` makes events of entries, `queues` says what may be sent at once, `message` what is sent, `form` how another
service tells it.
"""
