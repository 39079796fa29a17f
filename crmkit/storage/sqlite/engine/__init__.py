"""One SQLite file: its connections and their threads, the writer, the write-ahead log, migrations, disk faults."""
