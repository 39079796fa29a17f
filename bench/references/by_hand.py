"""A program: all contacts of a workspace as CSV, as anybody would write them in ten lines. FILE WORKSPACE TARGET.

Prints rows, seconds, and seconds of CPU.
"""

import csv
import sys
import time
from contextlib import closing
from pathlib import Path

from crmkit.records.contact import CONTACT
from crmkit.storage.sqlite.engine.driver import sqlite3


def main(file: str, workspace: str, target: str) -> None:
    names = ", ".join(f'"{name}"' for name in CONTACT.names)
    sql = f"SELECT {names} FROM contacts WHERE workspace_id = ? ORDER BY updated_at DESC, id DESC"
    started, before = time.perf_counter(), time.process_time()
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        found = connection.execute(sql, (workspace,))
        with Path(target).open("w", newline="", encoding="utf-8") as written:
            writer = csv.writer(written)
            writer.writerow(CONTACT.names)
            writer.writerows(found)
        seconds, cpu = time.perf_counter() - started, time.process_time() - before
        (rows,) = connection.execute("SELECT count(*) FROM contacts WHERE workspace_id = ?", (workspace,)).fetchone()
    print(rows, seconds, cpu)


if __name__ == "__main__":
    main(*sys.argv[1:])
