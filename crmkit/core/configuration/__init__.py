"""What admins set up in a workspace: its settings, its pipelines."""
