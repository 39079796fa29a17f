"""Where storms take place: one server, or several real processes that share one PostgreSQL and one folder of files.

One body of a test serves all: a storm sends its requests to the servers in turn, and what is left is read from the
database.
"""

import itertools
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx

from crmkit import boot
from crmkit.core.people import operator
from crmkit.operate import doctor
from crmkit.settings import Settings
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit
from tests import postgres
from tests.core.crowd import Answer, Call, at_once
from tests.house import ROOM, UNLIMITED, GivenClock, House, Person, Process, house, process
from tests.web.connecting import App, hidden

NUMBERS = (2, 4) if postgres.SERVER else (1,)  # of servers that take part: SQLite has one
WAITS = 60  # seconds until a test gives up
CAPS = {"contacts": 3, "deals": 20, "activities": 5, "members": 3}
ENVIRON = {
    **UNLIMITED,
    **ROOM,
    "CRMKIT_AUTH_LOCAL": "true",
    "CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": "0",
    "CRMKIT_LIMITS_SIGNIN_PER_HOUR": "1000000",
    "CRMKIT_LIMITS_MAILS_PER_HOUR": "1000000",
    "CRMKIT_LIMITS_TOKENS_PER_USER": "1000000",
    "CRMKIT_WEBHOOKS_ALLOW": "127.0.0.0/8",
}
_AS_HERE = {"durability", "mail", "backups", "base_url"}  # what the doctor says of installations of tests
_numbers = itertools.count(1)


class LocalApp(App):
    """An app whose user reads the code on the page, as on one's own machine."""

    def enter(self, email: str, **other: str | None) -> tuple[str, Any]:
        page = self.post({"email": email}, **other)
        signin, code = hidden(page, "signin"), hidden(page, "shown")
        return signin, self.post({"signin": signin, "code": code}, **other)


@dataclass
class Place:
    """Servers on one database, with what was acknowledged there: (workspace, operation) of each write of a storm."""

    urls: list[str]
    settings: Settings
    running: list[Process] = field(default_factory=list)
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    workspaces: dict[str, str] = field(default_factory=dict)  # by token
    present: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The first server, which clients are told of."""
        return self.urls[0]

    def close(self) -> None:
        for client in self.present:
            client.close()

    def visitor(self) -> httpx.Client:
        """Return a client without a token, which is closed with the place."""
        self.present.append(httpx.Client(base_url=self.url, timeout=30, verify=False))
        return self.present[-1]

    def app(self) -> LocalApp:
        """Return an app that was registered at the first server."""
        return LocalApp(cast("House", self))

    def storm(self, calls: Sequence[Call], person: Person | None = None) -> list[Answer]:
        """Return the answers to calls that are sent at once, to each server in turn; none is a fault of ours."""
        answers = at_once(self.urls, calls, person.token if person else "")
        for call, answer in zip(calls, answers, strict=True):
            assert answer.status_code < 500, (call, answer)
            if answer.status_code < 300 and not answer.is_replay and call.method != "GET":
                self._note(call, answer, person)
        return answers

    def _note(self, call: Call, answer: Answer, person: Person | None) -> None:
        """Keep the operation of a write, with the workspace that its path names, or else that of its token."""
        token = call.headers.get("Authorization", "").removeprefix("Bearer ") or (person.token if person else "")
        operation = answer.json().get("operation")
        if operation and token in self.workspaces:
            named = re.match(r"/workspaces/(\w+)", call.path)
            self.acknowledged.append((named[1] if named else self.workspaces[token], operation))

    def enter(self, email: str) -> Person:
        """Return the person behind an address: the code is asked for at the first server and sent to the last."""
        with Person(self.urls[0]) as someone, Person(self.urls[-1]) as other:
            code = someone.json_of("POST", "/auth/request", {"email": email})["local_code"]
            told = other.json_of("POST", "/auth/verify", {"email": email, "code": code, "token_name": "test"})
        return self.holder(told["token"], email)

    def newcomer(self, name: str) -> Person:
        """Return somebody new, who is admin of a workspace of their own."""
        return self.enter(f"{name}{next(_numbers)}@example.com")

    def holder(self, token: str, email: str = "", url: str = "") -> Person:
        """Return who has this token, at the first server unless another is given; closed with the place."""
        person = Person(url or self.url, token, email)
        person.headers["Accept"] = "application/json"
        self.present.append(person)
        self.workspaces[token] = person.get("/whoami").json()["workspace"]
        return person

    def workspace(self, person: Person) -> str:
        return self.workspaces[person.token]

    def everywhere(self, person: Person) -> Iterator[Person]:
        """Yield the person at each server."""
        for url in self.urls:
            with Person(url, person.token, person.email) as there:
                yield there

    def joins(self, admin: Person, name: str, role: str = "member") -> Person:
        """Return somebody new with a token that works in the workspace of an admin."""
        path, email = f"/workspaces/{self.workspace(admin)}/invites", f"{name}{next(_numbers)}@example.com"
        answer = stepped(admin, "POST", path, {"email": email, "role": role})
        assert answer.status_code == 201, answer.text
        return self.enter(email)

    def user(self, person: Person) -> str:
        return str(person.get("/whoami").json()["user"])

    def member(self, person: Person) -> str:
        """Return the path of someone's membership."""
        return f"/workspaces/{self.workspace(person)}/members/{self.user(person)}"

    def caps(self, person: Person) -> None:
        """Give the person's workspace the plan with caps, as an operator does beside the servers."""
        id, plans = self.workspace(person), self.settings.plans.named
        boot.run(self.settings, lambda tx: operator.change_plan(tx, id, "small", plans, ""), [id])

    def until(self, person: Person, path: str, holds: Callable[[Any], bool]) -> Any:
        """Return what a path answers once it is as it is to be."""
        deadline = time.monotonic() + WAITS
        while not holds(told := person.json_of("GET", path)):
            assert time.monotonic() < deadline, told
            time.sleep(0.05)
        return told

    def job(self, person: Person, answer: Any) -> Any:
        """Return the job that an answer says goes on, once it has ended."""
        path = f"/jobs/{answer.json()['id']}"
        return self.until(person, path, lambda told: told["state"] not in ("waiting", "running"))

    def ended(self, person: Person, answer: Any) -> Any:
        """Return what a request ended with, once the job is done that its answer says goes on."""
        if answer.status_code != 202:
            return answer.json()
        told = self.job(person, answer)
        assert told["state"] == "done", told
        return told

    def rows(self, sql: str, *args: Any) -> list[Any]:
        """Return what a statement finds in the database."""
        found: list[Any] = self.read(lambda connection: connection.execute(sql, args).fetchall())
        return found

    def read(self, work: Any) -> Any:
        with boot.brand_of(self.settings).reads(self.settings.server.folder) as read:
            return read(work)

    def faults(self) -> list[str]:
        """Return what is not as it must be in the whole database, whatever was written."""
        examined = doctor.examine(self.settings, boot.brand_of(self.settings), boot.KINDS)
        told = [f"{each.name}: {each.what}" for each in examined if not each.good and each.name not in _AS_HERE]
        return told + self.read(self._faults)

    def _faults(self, connection: Connection) -> list[str]:
        found = [f"{what}: {row}" for what, sql in _FAULTS.items() for row in connection.execute(sql).fetchall()]
        known = dict(connection.execute("SELECT id, number FROM workspaces").fetchall())
        logged = {seq for (seq,) in connection.execute("SELECT seq FROM audit WHERE op IS NULL").fetchall()}
        of_living = [(id, operation) for id, operation in self.acknowledged if id in known]
        if len(of_living) != len(set(of_living)):
            found.append("two writes were answered with one operation")
        for id, operation in of_living:
            if audit.first_entry(Workspace(id, known[id]), operation) not in logged:
                found.append(f"acknowledged, but not in the log: {operation} of {id}")
        return found


_CHANGES = "version IS NOT NULL AND action NOT LIKE '%.delete' AND action NOT LIKE '%.merge'"
_FAULTS = {
    "entries of the log have gaps": (
        "SELECT workspace_id FROM audit GROUP BY workspace_id HAVING count(*) <> max(seq) - min(seq) + 1"
    ),
    "versions have gaps in the log": (
        f"SELECT target, count(*), max(version) FROM audit WHERE {_CHANGES} GROUP BY workspace_id, target "
        "HAVING count(*) <> max(version) OR count(DISTINCT version) <> max(version)"
    ),
    **{
        f"{kind.plural} have another version than the log": (
            f'SELECT r.id, r.version FROM "{kind.plural}" AS r WHERE r.version <> (SELECT coalesce(max(a.version), 0) '
            f"FROM audit AS a WHERE a.workspace_id = r.workspace_id AND a.target = '{kind.name}/' || r.id)"
        )
        for kind in boot.KINDS.all
        if "version" in kind.by_name
    },
    **({"lanes are left": "SELECT name FROM lanes"} if postgres.SERVER else {}),
}


def config_of(folder: Path) -> Path:
    return folder.with_name("storms.toml")


def settings_in(folder: Path) -> Settings:
    """Return the settings of servers whose data is that of a folder; their file is written."""
    config = config_of(folder)
    config.write_text("[plans.small]\n" + "".join(f"{name} = {cap}\n" for name, cap in CAPS.items()))
    return boot.load_settings(config, {**postgres.environ(folder), **ENVIRON})


@contextmanager
def place(folder: Path, servers: int) -> Iterator[Place]:
    """Run servers on one database until the block ends."""
    settings = settings_in(folder)
    config = config_of(folder)
    with ExitStack() as stack:
        if not postgres.SERVER:
            clock = GivenClock(datetime.now(UTC).replace(microsecond=0))  # the doctor looks at the present
            found = Place([stack.enter_context(house(folder, ENVIRON, clock, config)).url], settings)
            stack.callback(found.close)
            yield found
            return

        ports = _free(servers)
        told = {**ENVIRON, "CRMKIT_SERVER_BASE_URL": f"http://127.0.0.1:{ports[0]}"}  # as if one proxy were before all

        def start(port: int) -> Process:
            return stack.enter_context(
                process(folder, "--config", str(config), said=f"output{port}", port=port, **told)
            )

        with ThreadPoolExecutor(servers) as threads:
            running = [*threads.map(start, ports)]
        found = Place([each.url for each in running], settings, running)
        stack.callback(found.close)
        yield found


def _free(number: int) -> list[int]:
    """Return ports of loopback that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [each.getsockname()[1] for each in sockets]


def _closed(stack: ExitStack, found: Place) -> Place:
    stack.callback(lambda: [person.close() for person in found.present])
    return found


def bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}"}


def stepped(person: Person, method: str, path: str, body: Any = None) -> Any:
    """Return the answer to a request, repeated with the code that was mailed for it if it asks for one."""
    answer = person.send_it(method, path, body)
    if answer.status_code == 403 and answer.json()["error"] == "escalation_required":
        sign = "&" if "?" in path else "?"
        answer = person.send_it(method, f"{path}{sign}code={answer.json()['local_code']}", body)
    return answer
