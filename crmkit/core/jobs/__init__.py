"""Jobs: work that goes on beside requests, step by step, and after a crash where it was.

`kind` says what a kind of job is, `runner` does what is due, `awaited` has the request that starts a job wait for its
end. `storage/jobs.py` has the table, and `add`.
"""
