"""Floor 3, the verbs: rules, permission, transactions. Each is one plain async function."""
