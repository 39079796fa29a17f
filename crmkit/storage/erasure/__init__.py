"""What is left of a person once the record is gone, in the log and in rows that tell of them: found and cleared."""
