"""The office: people who share workspaces, and a look into every table behind them."""

import hashlib
import itertools
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from crmkit import ids
from crmkit.model.access import Access
from crmkit.model.record import Kinds
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import tokens
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE
from tests import postgres
from tests.house import UNLIMITED, House, Person, house
from tests.kinds import REGISTRY

# no limit of requests or mails stands in the way; those have tests of their own
OPEN = {
    **UNLIMITED,
    "CRMKIT_LIMITS_SIGNIN_PER_HOUR": "1000000",
    "CRMKIT_LIMITS_TOKENS_PER_USER": "1000000",
}
JSON = {"Accept": "application/json"}

_CONFIRM = re.compile(rb'(confirm(?:=|":"))\w+')  # a token that a first step showed
_numbers = itertools.count(1)
_present: list[Person] = []


@contextmanager
def office(
    folder: Path, environ: Mapping[str, str] | None = None, file: Path | None = None, kinds: Kinds = REGISTRY
) -> Iterator[House]:
    """Run a server, with the settings of a file, until the block ends; whoever came in goes home before it."""
    with house(folder, {**OPEN, **(environ or {})}, file=file, kinds=kinds) as running:
        before = len(_present)
        try:
            yield running
        finally:
            for person in _present[before:]:
                person.close()
            del _present[before:]


def person_of(url: str, token: str, email: str) -> Person:
    """Return someone who need not be told to close the door."""
    _present.append(Person(url, token, email))
    return _present[-1]


@dataclass
class Team:
    """Alice is admin and Bob member of the workspace `id`; Charlie has one of his own. Addresses are fresh."""

    home: House
    id: str
    alice: Person
    bob: Person
    charlie: Person
    ids: dict[str, str] = field(default_factory=dict)  # address -> user id

    @property
    def path(self) -> str:
        return f"/workspaces/{self.id}"

    def member(self, person: Person) -> str:
        """Return the path of someone's membership."""
        return f"{self.path}/members/{self.ids[person.email]}"

    def people(self) -> dict[str, str]:
        """Return address -> role as Alice sees it."""
        shown = self.alice.json_of("GET", f"{self.path}/members")["members"]
        return {member["email"]: member["role"] for member in shown}

    def invited(self) -> dict[str, str]:
        shown = self.alice.json_of("GET", f"{self.path}/members")["invites"]
        return {invite["email"]: invite["role"] for invite in shown}

    def joins(self, name: str, role: str = "member", email: str = "") -> Person:
        """Return someone new who was invited and signed in, with a token that works in the workspace."""
        email = email or address(name)
        invite = {"email": email, "role": role}
        call = stepped if role == "admin" else plainly
        assert call(self.home, self.alice, "POST", f"{self.path}/invites", invite).status_code == 201
        person = working_in(enter(self.home, email), self.id)
        self.ids[email] = person.json_of("GET", "/whoami")["user"]
        return person


def address(name: str) -> str:
    return f"{name}{next(_numbers)}@example.com"


def team(home: House) -> Team:
    alice, charlie = enter(home, address("alice")), enter(home, address("charlie"))
    made = Team(home, "", alice, alice, charlie)
    for person in (alice, charlie):
        card = person.json_of("GET", "/whoami")
        made.ids[person.email] = card["user"]
        made.id = made.id or card["workspace"]
    made.bob = made.joins("bob")
    return made


def enter(home: House, email: str, token_name: str = "test") -> Person:
    """Return the person behind an address, signed in over HTTP; the clock moves a few seconds."""
    home.clock.move(seconds=3)
    with Person(home.url) as someone:
        assert someone.post("/auth/request", json={"email": email}).status_code == 200
        entry = {"email": email, "code": home.letterbox.code_for(email), "token_name": token_name}
        answer = someone.post("/auth/verify", json=entry, headers=JSON)
        assert answer.status_code == 200, answer.text
    return person_of(home.url, answer.json()["token"], email)


def working_in(person: Person, workspace: str, token_name: str = "test") -> Person:
    """Return the same person with a token that works in the workspace."""
    answer = person.post(f"/workspaces/{workspace}/tokens", json={"token_name": token_name}, headers=JSON)
    assert answer.status_code == 201, answer.text
    return person_of(str(person.base_url), answer.json()["token"], person.email)


def holding(home: House, person: Person, workspace: str, access: Access, name: str = "bot") -> Person:
    """Return the same person with a token of this access."""
    user, token = person.json_of("GET", "/whoami")["user"], f"ck_{ids.random_text(39)}"
    home.do(home.crm.database.write(partial(_with_token, token, user, workspace, name, access), lanes=[workspace]))
    return person_of(str(person.base_url), token, person.email)


def _with_token(token: str, user: str, workspace: str, name: str, access: Access, tx: Tx) -> None:
    tokens.insert(tx, token, user, workspace, name, access=access)


def plainly(home: House, person: Person, method: str, path: str, body: Any = None) -> httpx.Response:
    return person.send_it(method, path, body, headers=JSON)


def asked(home: House, person: Person, method: str, path: str, body: Any = None) -> str:
    """Return the code that is mailed for a request that wants a step-up."""
    before = len(home.letterbox.letters)
    answer = person.send_it(method, path, body, headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (403, "escalation_required"), answer.text
    assert [letter.to for letter in home.letterbox.letters[before:]] == [person.email]
    return home.letterbox.code_for(person.email)


def stepped(home: House, person: Person, method: str, path: str, body: Any = None) -> httpx.Response:
    """Return the answer to a request that is repeated with the code mailed for it."""
    code = asked(home, person, method, path, body)
    return person.send_it(method, f"{path}?code={code}", body, headers=JSON)


def new(person: Person, path: str, /, **body: Any) -> str:
    """Return the id of what a POST makes."""
    answer = person.post(path, json=body, headers=JSON)
    assert answer.status_code == 201, answer.text
    id: str = answer.json()["id"]
    return id


def erased(person: Person, path: str) -> None:
    """Delete a record in two steps."""
    confirm = person.delete(path, headers=JSON).json()["confirm"]
    assert person.delete(f"{path}?confirm={confirm}").status_code == 200


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of a refusal, in either format; ("" for what is none)."""
    if answer.headers["Content-Type"].startswith("application/json"):
        known = answer.json()
        return answer.status_code, known.get("error", "") if isinstance(known, dict) else ""
    head = answer.text.split("\n", 1)[0]
    return answer.status_code, head.removeprefix("ERROR ") if head.startswith("ERROR ") else ""


def blotted(answer: httpx.Response, *ids: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return all of an answer, with these ids, that of the request and confirm tokens in it blotted out."""
    request_id = answer.headers["X-Request-Id"].encode()

    def blot(content: bytes) -> bytes:
        content = content.replace(request_id, b"REQUEST")
        for id in ids:
            content = content.replace(id.encode(), b"ID")
        return _CONFIRM.sub(rb"\1CONFIRM", content)

    headers = [(name, blot(content)) for name, content in answer.headers.raw if name.lower() != b"date"]
    return answer.status_code, headers, blot(answer.content)


class Books:
    """Every row of every table, seen from beside the server."""

    def __init__(self, folder: Path) -> None:
        self._connection: Any
        if postgres.SERVER:
            from crmkit.storage.postgres.engine.connection import connect

            self._connection = connect(postgres.url(folder))
        else:
            self._connection = sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True, isolation_level=None)
        self._read: dict[str, tuple[list[str], str]] = {}  # table -> what its rows hold, and how they are read

    def __enter__(self) -> "Books":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, sql: str, *args: Any) -> list[tuple[Any, ...]]:
        if postgres.SERVER and sql.startswith("PRAGMA"):  # which checks each statement
            return {"PRAGMA foreign_key_check": [], "PRAGMA integrity_check": [("ok",)]}[sql]
        found: list[tuple[Any, ...]] = self._connection.execute(sql, args).fetchall()
        return found

    def tables(self) -> list[str]:
        """Return every table there is, those in which a search index keeps its content included."""
        return postgres.tables(self._connection)

    def virtual(self) -> list[str]:
        if postgres.SERVER:
            return []
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%' ORDER BY name"
        return [name for (name,) in self.ask(sql)]

    def columns(self, table: str) -> list[str]:
        return [name for name, _ in postgres.columns(self._connection, table)]

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        """Yield every row; the rowid stands under `rowid` where there is one."""
        names, sql = self.read(table)
        for row in self.ask(sql):
            yield dict(zip(names, row, strict=True))

    def read(self, table: str) -> tuple[list[str], str]:
        """Return the names of what the rows of a table hold, and the statement that reads them."""
        if table not in self._read:
            names = self.columns(table)
            if postgres.SERVER:
                columns = ", ".join(map(_quoted, names))
                self._read[table] = names, f'SELECT {columns} FROM "{table}" ORDER BY "{table}"::text'
                return self._read[table]
            try:
                self.ask(f'SELECT rowid FROM "{table}" LIMIT 0')
                names = ["rowid", *names]
            except sqlite3.OperationalError:  # a table without
                pass
            self._read[table] = names, f'SELECT {", ".join(map(_quoted, names))} FROM "{table}"'
        return self._read[table]

    def number(self, workspace: str) -> int:
        ((number,),) = self.ask("SELECT number FROM workspaces WHERE id = ?", workspace)
        return int(number)

    def settled(self, person: Person) -> None:
        """Return once no text waits to be indexed, no erasure to be finished, and the jobs of webhooks wait."""
        waiting = [name for name in self.tables() if name.endswith("_unindexed") or name == "erasures"]
        if postgres.SERVER:
            waiting += [f"{name} WHERE waits" for name in self.tables() if name.endswith("_texts")]
        waiting.append("jobs WHERE kind = 'webhook' AND ended_at IS NULL AND (state <> 'waiting' OR due_at = '')")
        while any(self.ask(f"SELECT 1 FROM {name} LIMIT 1") for name in waiting):
            person.get("/healthz")
            time.sleep(0.001)  # else asking takes the time that indexing wants

    def version(self) -> int:
        """Return a number that is another after each commit."""
        by_brand = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text" if postgres.SERVER else "PRAGMA data_version"
        ((number,),) = self.ask(by_brand)
        return int(number)

    def digest(self, but: dict[str, int], emails: tuple[str, ...] = ()) -> str:
        """Return a hash over all rows of all tables, but those of the workspaces `but` (id -> number) and their ends.

        Of the tables that belong to no workspace, counters of attempts are left out, and codes for `emails`.
        """
        virtual = self.virtual()
        sums = hashlib.sha256()
        for table in self.tables():
            inner = any(table.startswith(f"{name}_") for name in virtual)
            if inner or table == "attempts" or table.startswith("sqlite_"):
                continue
            names, sql = self.read(table)
            owner, rowid, email = (
                _place(names, *sought) for sought in (("workspace_id", "id"), ("rowid", "seq"), ("email",))
            )
            for row in self.ask(sql):
                number = 0 if rowid is None else abs(row[rowid]) >> 32  # a text lies at the negative number of its row
                if (owner is not None and row[owner] in but) or (number and number in but.values()):
                    continue
                if table == "audit_ends" and row[names.index("number")] in but.values():
                    continue
                if table == "codes" and email is not None and row[email] in emails:
                    continue
                sums.update(repr((table, row)).encode())
        return sums.hexdigest()


def _place(names: list[str], *sought: str) -> int | None:
    """Return where the first of these names stands that is there at all."""
    return next((names.index(name) for name in sought if name in names), None)


def _quoted(name: str) -> str:
    return f'"{name}"'
