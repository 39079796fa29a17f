"""How many requests may come in a while: `windows` counts what has passed, `requests` has the limits of each request,
`sharing` has them hold for all processes of one database.
"""
