"""One thin handler for each endpoint: it reads the request, calls a verb and returns the shape of the answer.

`records` has the five routes of every kind, `activities` their logs, `overview` search, reminders and the audit log.
`account` is signing in and one's own tokens, `teams` workspaces and their members. `documents` needs no token: the
manual in its forms, OpenAPI, health. `welcome` is the page that a browser is shown at / and /mcp.
"""
