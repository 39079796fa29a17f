"""What a token is given, as clients write it: exact scopes, network addresses, an end."""
