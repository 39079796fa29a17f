"""Jobs: work that goes on beside requests, step by step, and after a crash where it was.

`kind` says what a kind of job is, `runner` does what is due. `storage/jobs.py` has the table, and `add`.
"""
