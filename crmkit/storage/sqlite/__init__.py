"""SQLite, the database that crmkit brings along."""
