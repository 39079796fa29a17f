"""Floor 3, the verbs: rules, permission, transactions. Each is one plain async function.

`crm` holds the running product's parts, which every verb is handed. `lookup` finds the record that an id in a path
names, `path_ids` says what is wrong with an id. `upkeep` and `sweep` are work that follows writes.
"""
