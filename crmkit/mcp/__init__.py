"""Floor 5: the Model Context Protocol, for chat clients, at POST /mcp and /mcp/typed.

`endpoint` has both routes. `protocol` reads and writes messages. `tools` describes the three tools of the first,
`typed` makes those of the second from the routes, by what `typed_arguments` finds in their declarations; `arguments`
reads what tools are called with. `resources` are the pages of the manual, `prompts` what a user may have a model do. A
call is a request to the API: `in_process` sends it to the application of `web`, and `cut` shortens a long answer.
"""
