"""The engine: connections in pools of threads, units of work in lanes, notices of commits.

A GET of one record needs no thread: its statements are sent on the event loop (`reading/reader`), in autocommit mode. A
list or a stream runs in a transaction of its own (`reading/snapshot`: REPEATABLE READ, READ ONLY, with a statement's
timeout).

A POST names its lanes. `writer` has a queue for each set of lanes; the units that wait in one become one transaction.
Where one of them fails after it has written, they run again without it. The transaction begins by locking its lanes
(`lanes`): a row of `workspaces` for each workspace, a row of `lanes` for each other. So units of one lane run one after
another, in this process and in others, and each statement sees what was committed before (READ COMMITTED). Statements
are sent without waiting (`PostgresConnection.pipelined`), but for those whose rows the unit looks at. A transaction
that PostgreSQL ends for a deadlock or for a lost connection runs again.

Of what it has committed a process tells others the lanes and topics by NOTIFY, a moment later. Each has a connection
that listens (`notices`), or looks, behind a pooler (`pooler`). That it serves is a lease (`leases`, `serving`). Who may
do what is read for every request: nothing of it is kept, so a revoked token is dead at once on all machines.
"""
