"""What admins set up in a workspace: its settings, its pipelines, its declared fields. `told` says all that."""
