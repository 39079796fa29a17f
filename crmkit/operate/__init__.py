"""What the operator runs beside the server: `doctor` looks at an installation, `sending` sends a file to a server.

`moving/` brings what another service holds to a server.
"""
