"""What a workspace's admins set up, in its tables."""
