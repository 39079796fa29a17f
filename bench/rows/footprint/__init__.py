"""What crmkit takes: CPU in process, bytes and tokens of answers, memory, time to start, room on the disk."""
