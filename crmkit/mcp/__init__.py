"""Floor 5: the Model Context Protocol, for chat clients, at POST /mcp.

`endpoint` is the route. `protocol` reads and writes messages, `tools` describes the three tools, `arguments` reads what
they are called with. A call is a request to the API: `inside` sends it to the application of `web` in process, and
`cut` shortens a long answer.
"""
