"""The routes that read and write records: those of every kind, activities, members."""
