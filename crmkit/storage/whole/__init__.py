"""A whole database: its tables and rows, read at one moment and written into an empty one, of whatever brand."""
