"""Tables of people and of what they sign in with: accounts, tokens, codes, invites, grants of apps."""
