"""Work that goes on beside requests: how fast it is, and how much longer others wait meanwhile."""
