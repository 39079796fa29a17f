"""What admins set up in a workspace: its settings, its pipelines, its declared fields.

`own_manual` is the part of the manual that tells of all that.
"""
