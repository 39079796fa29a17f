"""What a workspace's admins set up, as values."""
