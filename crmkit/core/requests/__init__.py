"""How a request writes: once under its key, or as a dry run.

The one write of such a request runs in the Wrapper that its Call has. Without one it is done each time it is sent.
"""
