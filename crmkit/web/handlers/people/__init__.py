"""The routes of accounts and teams."""
