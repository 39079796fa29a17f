"""What storage asks of a database, so that no other room knows which one it is.

A brand of database gives:

- `Connection` (connection): `execute` with a `?` for each value, `executemany`, `trial` for a plan that may be slow;
- `Dialect` (dialect), its spellings of SQL, and `Texts` (texts), its search: each connection has both;
- `Database` (database): opened and closed by `async with`; runs short reads, scans in a snapshot, streams of bytes in
  a snapshot, and units of work, each of which is durable once it is answered; it raises InUse, Newer or Unusable when
  it cannot be opened;
- `Brand` (brand): how a database is opened, migrated, examined by `crmkit doctor`, and written by the operator.

All brands share `Tx`, what a unit of work gets (tx), and `Lane`, what it looks at before it writes (lanes);
`Statement` (statement); `Workspace`, the range of row numbers that a statement is scoped to (workspace); `AuthCache`,
token lookups until a commit changes them (auth_cache); and `LogThrottle`, a line of log a minute for each reason
(log_throttle).
"""
