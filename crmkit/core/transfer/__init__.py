"""In and out: files of other programs, and what leaves as a file."""
