"""Connections: what a client can do before a handler runs, and after its answer, all of it bounded.

`protocol` takes the bytes and parses requests, `exchange` is one request with its answer, `clients` are the connections
that are open, `server` is uvicorn set up to run them.
"""
