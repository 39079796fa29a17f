"""Floor 4: HTTP. A request passes these modules in order:

`connection/` parses it from bytes, within bounds. `edge` gives it an id and logs it. `router` finds its route and calls
its handler. `gate` checks host, token, rate limit (`limits`) and query. A handler of `handlers/` or `oauth/` reads the
request from its `HttpCall`, calls a verb and returns the shape of its answer. `reply` writes that in the format
asked for (`negotiate`), and `problems` does so for whatever was raised.

What a handler declares with `@route` is a `Route`: gate, `table` (for the manual) and `openapi` read it. `app` puts all
together.
"""
