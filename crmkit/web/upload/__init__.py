"""Bodies that are files: written to the disk as they come, whatever their size.

`receiving` takes a body and gives the handler an Upload. `form` reads the body of a form (RFC 7578) with a file in it.
"""
