"""Load on a server: wrk, or a loader of ours."""
