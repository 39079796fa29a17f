"""The nouns that say how a workspace is set up."""
