"""Floor 3, the verbs: rules, permission, transactions. Each is one plain async function.

Every verb is handed a `Call`: who asks, and the running product's parts (`crm`). It reads and writes by that alone.
`lookup` finds the record that an id or a natural key names, `path_ids` says what is wrong with one in a path. `confirm`
holds back an act until its request is sent again with the token that it was shown. `present` tells what time it is.
`upkeep` is work that follows writes. `derived` keeps what records repeat of each other, `followed` what
they show of their activities. `quotas` holds the caps of plans, `roles`
what only admins may do.
"""
