"""Who somebody is and where they may act.

`login` mails a code to an address and takes it back for a token; who is new gets an account. `codes` issues, mails and
checks such codes, and `budgets` limits how often somebody may do something. `sessions` tells on each request whose a
token is, and ends tokens. `access` tells in which workspaces an actor may act, and moves a transaction into one.

`workspaces`, `teams`, `joining` and `account` are the verbs of workspaces, members, invites and the end of an account.
What gives power away or cannot be taken back goes through `stepup.confirmed`, which wants a mailed code first. All of
them raise `not_found` for an id that is none, and `not_a_member` for a workspace that the caller does not belong to, in
the same words as for one that never existed.

A sign-in, request by request: POST /auth/request -> login.request_code -> codes.issue, then, after the commit, send and
keep. POST /auth/verify -> login.enter_code -> codes.entered -> login.welcome (account, workspace, invites) ->
login.new_token.
"""
