"""Floor 4: HTTP. A request passes these modules in order:

`connection/` parses it from bytes, within bounds. `edge` gives it an id and logs it. `router` finds its handler. `gate`
checks host, token, rate limit (`limits`) and query; `consent` says what a connected app needs a mailed code for.
A handler of `handlers/` or `oauth/` reads it (`requests`), calls a verb and returns the shape of its answer.
`reply` renders that as text or JSON (`negotiate`), and `problems` does so for whatever was raised.

`app` puts them together. `table` lists the endpoints, for the manual and for `openapi`.
"""
