"""What goes in and out as files: the files that clients send."""
