"""Other servers on the same rows: Datasette 1.0 alpha and json-server, installed beside the data on first use."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.data.dataset import cache
from bench.data.drawn import Body
from bench.kinds import CONTACT
from bench.lab import Lab, Shot, Skip, say
from bench.load.generators import SERIAL_TEXT
from bench.report import Line
from bench.rows.requests import AT_ONCE, LISTED, cpu, listed, middle, one_by_id, rates
from bench.servers.processes import Server, free_port
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE

COLUMNS = [field.name for field in CONTACT.fields]


def _installed(what: str, command: list[list[str]], made: Path) -> None:
    if made.exists():
        return
    say(f"installing {what} in {cache()}")
    for one in command:
        try:
            subprocess.run(one, check=True, capture_output=True, timeout=180)
        except (OSError, subprocess.SubprocessError) as error:
            raise Skip(f"{what} cannot be installed ({error})") from None


def _contacts(lab: Lab, size: int) -> list[tuple[Any, ...]]:
    made = lab.data(size)
    with closing(connect(Path(made.folder) / FILE, False)) as connection:
        sql = f"SELECT {', '.join(COLUMNS)} FROM contacts WHERE workspace_id = ? ORDER BY seq"
        found: list[tuple[Any, ...]] = connection.execute(sql, (lab.workspace(made),)).fetchall()
        return found


def _bodies(lab: Lab) -> list[Body]:
    lines = lab.creates.read_text().splitlines()
    return [json.loads(line.split(" ", 2)[2]) for line in lines]


def datasette(lab: Lab) -> list[Line]:
    """Datasette as its documentation has it run, with the indexes that these requests need and all may insert."""
    size, home = lab.usual, cache() / "datasette"
    program = home / "bin" / "datasette"
    pip = [str(home / "bin" / "pip"), "install", "-q", "--pre", "datasette"]
    _installed("Datasette", [[sys.executable, "-m", "venv", str(home)], pip], program)
    file = lab.folder / "rows.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"CREATE TABLE contacts ({', '.join(COLUMNS)}, PRIMARY KEY (id))")
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT INTO contacts VALUES ({marks})", _contacts(lab, size))
        connection.execute("CREATE INDEX by_stage ON contacts (stage, updated_at, id)")
        connection.execute("CREATE UNIQUE INDEX by_email ON contacts (email)")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    port = free_port()
    allowed = ["-s", "permissions.insert-row", "true"]
    command = [str(program), "serve", str(file), "-p", str(port), *allowed]
    server = lab.keep("Datasette", Server("Datasette", command, port, lab.log("datasette")))
    ids = [row[0] for row in _contacts(lab, size)[:: max(1, size // 1000)]]
    bodies = [{"id": f"c_{SERIAL_TEXT}", **_plain(body)} for body in _bodies(lab)]
    inserts = [f"POST /rows/contacts/-/insert {json.dumps({'row': body})}" for body in bodies]
    lists = ["GET /rows/contacts.json?stage=lead&_sort_desc=updated_at&_size=50"]
    requests = {"GET one": [f"GET /rows/contacts/{id}.json" for id in ids], "list": lists, "create": inserts}
    return _compared(lab, size, server, requests, 4.0, 10.0)


def json_server(lab: Lab) -> list[Line]:
    """json-server holds everything in memory and writes one JSON file; it is measured on the small data set."""
    size, home = lab.small, cache() / "json-server"
    program = home / "node_modules" / ".bin" / "json-server"
    npm = ["npm", "install", "--prefix", str(home), "--no-audit", "--no-fund", "--loglevel", "error"]
    if not shutil.which("npm"):
        raise Skip("json-server needs npm")
    _installed("json-server", [["mkdir", "-p", str(home)], [*npm, "json-server@0.17.4"]], program)
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in _contacts(lab, size)]
    file = lab.folder / "rows.json"
    file.write_text(json.dumps({"contacts": rows}))
    port = free_port()
    command = [str(program), str(file), "--port", str(port), "--host", "127.0.0.1", "--quiet"]
    server = lab.keep("json-server", Server("json-server", command, port, lab.log("json-server")))
    ids = [row["id"] for row in rows[:: max(1, size // 1000)]]
    inserts = [f"POST /contacts {json.dumps({'id': f'c_{SERIAL_TEXT}', **_plain(body)})}" for body in _bodies(lab)]
    lists = ["GET /contacts?stage=lead&_sort=updated_at&_order=desc&_limit=50"]
    requests = {"GET one": [f"GET /contacts/{id}" for id in ids], "list": lists, "create": inserts}
    return _compared(lab, size, server, requests)


def _plain(body: Body) -> Body:
    """Return a contact as a row has it: lists and objects as JSON in text."""
    return {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in body.items()}


def _compared(
    lab: Lab,
    size: int,
    server: Server,
    requests: dict[str, list[str]],
    must: float | None = None,
    aim: float | None = None,
) -> list[Line]:
    token = lab.data(size).token
    ours = {
        "GET one": one_by_id(lab, size),
        "list": listed(lab, size, LISTED),
        "create": Shot(lab.product(size), lab.creates, AT_ONCE, token, writes=True),
    }
    found = []
    for what, lines in requests.items():
        file = lab.requests(f"{server.name}-{what.replace(' ', '-')}", lines)
        mine, theirs = lab.rounds(ours[what], Shot(server, file, AT_ONCE, writes=what == "create"))
        absolute = f"crmkit {middle(mine)}; {server.name} {middle(theirs)}"
        ratios = rates(mine, theirs)
        by_cpu = cpu(mine, theirs)
        found.append(Line(f"{what} at {size:,}", server.name, ratios, must, aim, absolute=absolute, cpu=by_cpu))
    return found
