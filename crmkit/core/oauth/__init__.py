"""OAuth: how an app gets a token for its user, without an account of its own and without a secret (RFC 6749, 4.1).

1. `POST /mcp` without a token is 401 and names the address of `/.well-known/oauth-protected-resource`; that document
   and `/.well-known/oauth-authorization-server` name the addresses below.
2. `POST /register`: the app sends its redirect URIs and its name. `client` checks them and packs them into the client
   id; nothing is stored. Or the client id is the URL of a document that describes the app, which `documents` fetches.
3. `GET /authorize?…`: the browser brings the app's request. `connect.request_of` checks all of it.
4. `POST /authorize`, three times, from one page to the next: an email address (`connect.start` mails a code and makes
   the page secret, a hidden field), the code (`connect.prove`), a workspace (`connect.choose`, or `connect.refuse`).
   The last answer redirects to the app with an authorization code, which lives for a minute.
5. `POST /token`: `redeem.redeem` checks the authorization code and its PKCE verifier (`pkce`) and mints an ordinary
   token. `POST /revoke`: `redeem.give_back` ends it.

`known_clients` lists the apps that are known beforehand. `storage.people.grants` keeps page secrets and authorization
codes.
"""
