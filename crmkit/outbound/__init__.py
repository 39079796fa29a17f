"""Floor 2: what leaves the machine by HTTP. No other module of the server connects out, but those that send mail.

`guard` says which URLs and addresses may be reached. `names` looks a host name up. `client` sends a request, over
`connecting`, which connects to the address that was checked.
"""
