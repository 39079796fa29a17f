"""The routes of what goes in and out as files."""
