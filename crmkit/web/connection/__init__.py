"""Connections, and the bounds on what a client may do with them before a handler runs and after its answer.

`protocol` is one connection: it parses bytes into requests. `exchange` is one request with its response. `clients`
counts the open connections. `server` is uvicorn, set up to run them. `hosts` checks the Host header. `proxies` finds
the client behind a trusted proxy. `accesslog` writes a line for each request, by way of `logwriter`, a thread.
"""
