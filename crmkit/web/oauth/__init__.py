"""OAuth over HTTP; `core.oauth` tells the whole sign-in of an app, request by request.

`endpoints` is what the app calls: the two documents of discovery, /register, /token, /revoke. `signin` is what its user
sees: GET and POST /authorize, with `pages`. `html` is the frame of every page, with its style sheet pages.css. `forms`
reads the bodies of both.
`origins` says which web pages may call /mcp, and how a 401 there names the address to sign in at.
"""
