"""What is outdated goes in steps, each of which drops few rows, so that others write between them."""
