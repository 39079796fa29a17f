"""The keys of `custom` that a workspace declares: `types` of their values, `parts` of which a declaration is made."""
