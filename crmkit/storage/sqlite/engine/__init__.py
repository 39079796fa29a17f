"""The engine: one SQLite file in WAL mode, one connection that writes, three that read, each used by its own thread.

A POST arrives while two others are being answered. Its verb calls `SqliteDatabase.write` with a unit of work, a plain
function of a `Tx`. `writer` appends the unit to a queue and the POST awaits a future. The writer's task waits until the
event loop brings no further unit for two turns (`threads.gathered`): the two others come too. It sends all three to the
writer's thread in one call (`threads.on_thread`), where `writer.commit_group` runs

    BEGIN IMMEDIATE
                      the first unit's statements
                      the second unit fails before it writes
                      the third unit's statements
    COMMIT            which appends the pages to the log and flushes it: one fsync for three requests

Had the second unit failed after it had written, all three would have run again:

    SAVEPOINT unit    the first unit's statements     RELEASE unit
    SAVEPOINT unit    the second unit fails           ROLLBACK TO unit, RELEASE unit
    SAVEPOINT unit    the third unit's statements     RELEASE unit

Back on the event loop the `AuthCache` forgets what the commit changed, then each future gets its value or its exception
(`tell`). Nobody is answered before the flush. If SQLite loses the whole transaction, because the disk is full
or fails, each unit runs again in a transaction of its own; `faults` says what the error codes mean for the caller.

A GET of one record calls `SqliteDatabase.read`. `reader` waits one turn and runs all reads that came meanwhile in
one call to its thread and in one transaction: each sees a snapshot, and none waits for the writer, as WAL allows.

A list or search calls `SqliteDatabase.scan`. `scans` has two connections with a thread each. A workspace, and a
user, have one of them at a time, and workspaces take turns. The read runs in a snapshot of its own
(`progress.snapshot`). SQLite's progress handler stops it when its ten seconds are over or its client has gone, and
stops a query plan that is only tried (`progress.trial`) after a number of steps.

An answer that is sent as it is read calls `SqliteDatabase.stream`. Each stream (`streams`) has a connection and a
thread of its own, which reads all of it in one snapshot into a file without a name (`spool`). The event loop
sends from that what is there already, however slowly the client takes it.

Commits let the log grow. `checkpoints` copies it back in small steps between two groups, has a thread flush the file
past 48 MB, and then lets SQLite begin the log anew, which it can only while no reader uses it. Past 128 MB, between
two groups, `wal` pauses reader and scans, stops a list that runs on for a second (it is run again afterwards), and
truncates the log. While streams are read it waits with that until 512 MB, and then ends their reading.

`scans`, `streams` and `spool` are those of `storage/reads/`. `database` puts these parts together and is the `Database`
that the verbs see. `folder` has the files, their modes and the lock that one process at a time holds; `connection`
opens connections with our settings; `driver` says which SQLite library this is; `migrate` brings the schema up to date
before anything is served.
"""
