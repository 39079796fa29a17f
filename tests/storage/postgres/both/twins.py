"""One person at a server of each brand, to whom the same is said: both must answer the same, to the byte.

Ids are counted in place of drawn, so both servers give a record the same one. What else is drawn, and how a page that
follows is told, is left out of what is compared.
"""

import difflib
import io
import re
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from crmkit import ids
from crmkit.core import upkeep
from crmkit.core.call import Call
from crmkit.storage import jobs
from crmkit.storage.interface.lanes import ANYWHERE
from tests import postgres
from tests.faces.requests import ON
from tests.house import ALICE, UNLIMITED, House, Person, house

WAITS = 20  # seconds for what requests left to be done beside them
MOST_PAGES = 60
# pages that follow, confirm tokens, secrets, the ids of requests, how long a receiver took and when it was tried
_DRAWN = re.compile(
    r'\\*"(?:next_cursor|cursor|request_id|confirm|secret|token|url)\\*":\\*"[^"]*"|# next: \S+|\bcursor=\S+'
    r'|\bconfirm=\w+|\bms=\d+|"ms":\d+'
    r'|"(?:failing_since|last_delivered_at)":(?:"[^"]*"|null)'
    r"|\b(?:failing_since|last_delivered_at)=\S+"
    r"|\brequest_id=\S+|request [0-9a-f]{16}|\bck_\w+|\bwhsec_\S+|/l/\w+|\blast_used_at=\S+"
)
_NEXT = re.compile(r'# next: (\S+)|"next_cursor":"([^"]+)"')
_CONFIRM = re.compile(r'\bconfirm=(\w+)|"confirm":"(\w+)"')
_ID = re.compile(rf"\b({'|'.join(sorted(ids.OTHERS, key=len))}|[a-z]{{1,3}})_[{ids.ALPHABET}]{{{ids.LENGTH}}}\b")
_BUSY = (
    "SELECT (SELECT count(*) FROM jobs WHERE ended_at IS NULL AND (state <> 'waiting' OR due_at <= ?)) "
    "+ (SELECT count(*) FROM erasures)"
)


class Said(NamedTuple):
    """A request as both servers get it."""

    method: str
    path: str
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


class Differ(AssertionError):
    """Both answered something else."""


class Twins:
    """`known` has the ids that were told, by their prefixes; `answered` how often which status came."""

    def __init__(self, servers: tuple[House, House], patch: pytest.MonkeyPatch) -> None:
        self._servers = servers
        self._minted: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._at = 0  # whose turn it is
        patch.setattr(ids, "mint", self._mint)
        self._people: list[Person] = []
        for at, server in enumerate(servers):
            self._at = at
            self._people.append(server.sign_in(ALICE))
            self._rest()
        self.known: dict[str, list[str]] = {}
        self.answered: Counter[int] = Counter()

    def close(self) -> None:
        for person in self._people:
            person.close()

    def move(self, seconds: int) -> None:
        """Move the clock of both, and have each count what was dated ahead and has taken place by then."""
        self._servers[0].clock.move(seconds=seconds)
        for server in self._servers:
            server.do(upkeep.count_due(Call(server.crm)))

    def say(self, said: Said) -> str:
        """Send a request to both, in a second step once more where it takes one; return what both answered."""
        return self._compared(said, ["", ""])[1]

    def walk(self, said: Said) -> None:
        """Read all pages of a list at both."""
        more = ["", ""]
        for _ in range(MOST_PAGES):
            texts, _ = self._compared(said, more)
            found = [_NEXT.search(text) for text in texts]
            if not all(found):
                return
            joint = "&" if "?" in said.path else "?"
            more = [f"{joint}cursor={each[1] or each[2]}" for each in found if each]

    def _compared(self, said: Said, more: list[str]) -> tuple[list[str], str]:
        texts, answers = [], []
        for at, person in enumerate(self._people):
            self._at = at
            answer = self._sent(person, said, said.path + more[at])
            texts.append(_text_of(answer))
            told = sorted((name, text) for name, text in answer.headers.items() if name in ("x-operation", "etag"))
            shown = _DRAWN.sub("…", texts[-1].replace(self._servers[at].url, ""))
            answers.append(f"{answer.status_code} {told}\n{shown}")
            assert answer.status_code < 500, f"{said}: {answer.text}"
            assert answer.status_code != 401 or said.path.startswith("/auth"), f"{said}: {answer.text}"
        if answers[0] != answers[1]:
            raise Differ(_difference(said, *answers))
        self._minted = (self._minted[0] | self._minted[1], self._minted[0] | self._minted[1])  # a unit may run again
        self.answered[answer.status_code] += 1
        for found in _ID.finditer(texts[0]):
            of_sort = self.known.setdefault(found[1], [])
            if found[0] not in of_sort:
                of_sort.append(found[0])
        return texts, answers[0]

    def _sent(self, person: Person, said: Said, path: str) -> Any:
        headers = dict(said.headers)
        answer = person.send_it(said.method, path, said.body, headers=headers)
        asked = _CONFIRM.search(answer.text) if answer.status_code == 409 or answer.status_code == 400 else None
        if asked:
            joint = "&" if "?" in path else "?"
            again = f"{path}{joint}confirm={asked[1] or asked[2]}"
            answer = person.send_it(said.method, again, said.body, headers=headers)
        self._rest()
        return answer

    def _rest(self) -> None:
        """Return once the server whose turn it is has done what requests left."""
        server = self._servers[self._at]
        server.rested()
        deadline = time.monotonic() + WAITS
        while server.do(server.crm.database.read(None, _is_busy, server.crm.now)):
            assert time.monotonic() < deadline, "a job goes on and on"
            server.do(server.crm.database.write(lambda tx: tx.tell(jobs.TOPIC), lanes=ANYWHERE, silent=True))
            time.sleep(0.002)

    def _mint(self, prefix: str, start: str = "") -> str:
        minted = self._minted[self._at]
        minted[prefix] += 1
        return ids.numbered(prefix, minted[prefix])


def _text_of(answer: httpx.Response) -> str:
    """Return what an answer says, of a file of several what each of them does."""
    if not answer.content.startswith(b"PK"):
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        return "\n".join(f"{name}: {file.read(name).decode()}" for name in file.namelist())


def _is_busy(connection: Any, now: str) -> bool:
    return bool(connection.execute(_BUSY, (now,)).fetchone()[0])


def _difference(said: Said, here: str, there: str) -> str:
    lines = difflib.unified_diff(here.splitlines(), there.splitlines(), "postgres", "sqlite", lineterm="", n=0)
    return "\n".join([str(said), *lines])


@contextmanager
def twins(folder: Path) -> Iterator[Twins]:
    """Run a server of each brand, with one clock for both."""
    environ = {**UNLIMITED, **ON}
    sqlite = {"CRMKIT_SERVER_DATA": str(folder / "sqlite")}
    with (
        pytest.MonkeyPatch.context() as patch,
        house(folder / "postgres", environ) as one,
        house(folder / "sqlite", {**environ, **sqlite}, one.clock) as two,
    ):
        both = Twins((one, two), patch)
        try:
            yield both
        finally:
            both.close()


needs_server = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")
