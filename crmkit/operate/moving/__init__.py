"""`crmkit import --from SERVICE URL`: all that another service holds, read by its own API and sent to a server.

`client` asks the other service, `klozeo` and `konektor` know what it answers, `spool` keeps what was read until it is
sent, `run` is the command.
"""
