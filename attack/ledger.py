"""Writers who note what was acknowledged, and what a server must therefore still hold after any fault."""

import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

from attack.client import Answer, Client, Gone
from attack.program import Program

CONTACTS_EACH = 25  # then a writer changes its own instead of creating more
REPEATS = 20  # of a write's step in its long text: half a write would show
# how often a writer with enough contacts does what
MIX = ("patch", "patch", "patch", "upsert", "upsert", "activity", "activity", "activity", "delete", "sign in")


@dataclass
class Held:
    """A contact as it was acknowledged: the last write's step, its version and its activities."""

    email: str
    step: int
    version: int
    activities: set[str] = field(default_factory=set)


@dataclass
class Stored:
    """What a server holds of a workspace, read over HTTP."""

    contacts: dict[str, dict[str, Any]]
    activities: dict[str, set[str]]  # by contact


class Writer:
    """One of several who write in a workspace. What was refused or not answered is in doubt: done or not, but whole."""

    def __init__(self, name: str, seed: int, text: int = REPEATS) -> None:
        self.name, self._seed, self._text = name, seed, text
        self._choice = random.Random(seed)
        self._number = 0
        self._doubts: dict[str, list[int]] = defaultdict(list)  # id, or email of a create -> steps
        self._leaving: set[str] = set()  # deletes in doubt
        self.told: dict[str, Held] = {}
        self.gone: set[str] = set()
        self.tokens: list[str] = []
        self.written: list[tuple[str, str]] = []  # target and what its audit row shows, of each acknowledged write
        self.statuses: Counter[int] = Counter()

    @property
    def acknowledged(self) -> int:
        return len(self.written) + len(self.tokens)

    async def work(self, program: Program, token: str, mix: tuple[str, ...] = MIX) -> None:
        """Write until the server is gone."""
        async with program.client(token) as client:
            try:
                while True:
                    await self.step(program, client, mix)
            except Gone:
                return

    async def step(self, program: Program, client: Client, mix: tuple[str, ...] = MIX) -> Answer | None:
        """Do one thing of the mix; return its answer."""
        self._number += 1
        verb = self._choice.choice(mix) if len(self.told) >= CONTACTS_EACH else "create"
        if verb == "sign in":
            email = f"{self.name}.{self._number}@elsewhere.example.com"
            # each sign-in from another address, which are limited
            address = f"10.{self._number // 250}.{self._number % 250}.{self._seed}"
            async with await program.sign_in(email, forwarded=address) as signed_in:
                self.tokens.append(signed_in.token)
            return None
        if verb == "create":
            return await self._write(client, "POST", "/contacts", f"{self.name}.{self._number}@example.com")
        id = self._choice.choice(list(self.told))
        match verb:
            case "patch":
                return await self._write(client, "PATCH", f"/contacts/{id}", self.told[id].email, id)
            case "upsert":
                return await self._write(client, "POST", "/contacts", self.told[id].email, id)
            case "activity":
                return await self._log(client, id)
        return await self._delete(client, id)

    async def _write(self, client: Client, method: str, path: str, email: str, id: str = "") -> Answer:
        number = self._number
        text = f"step {number}"
        body = {"name": f"{self.name} {number}", "email": email, "stage": text, "notes": f"{text}\n" * self._text}
        self._doubts[id or email].append(number)
        answer = await client.ask(method, path, body)
        self.statuses[answer.status] += 1
        if answer.status in (200, 201):
            contact = answer.json()
            held = self.told.setdefault(contact["id"], Held(email, number, 1))
            held.step, held.version = number, contact["version"]
            self._doubts.pop(id or email)
            self.written.append((f"contact/{contact['id']}", text))
        return answer

    async def _log(self, client: Client, id: str) -> Answer:
        answer = await client.ask("POST", f"/contacts/{id}/activities", {"kind": "call", "body": f"{self._number}"})
        self.statuses[answer.status] += 1
        if answer.status == 201:
            activity = answer.json()["id"]
            self.told[id].activities.add(activity)
            self.written.append((f"activity/{activity}", ""))
        return answer

    async def _delete(self, client: Client, id: str) -> Answer:
        asked = await client.ask("DELETE", f"/contacts/{id}")
        if asked.status != 409:
            self.statuses[asked.status] += 1
            return asked
        self._leaving.add(id)
        answer = await client.ask("DELETE", f"/contacts/{id}?confirm={asked.json()['confirm']}")
        self.statuses[answer.status] += 1
        if answer.status == 200:
            self.told.pop(id)
            self.gone.add(id)
            self.written.append((f"contact/{id}", "gone"))
        return answer

    def check(self, stored: Stored) -> Iterator[str]:
        """Yield what is wrong with what the server holds, and go on from there."""
        for id, held in list(self.told.items()):
            contact = stored.contacts.get(id)
            if contact is None:
                if id not in self._leaving:
                    yield f"{id} is lost"
                self.told.pop(id)
                self.gone.add(id)
                continue
            yield from self._compared(id, held, contact, stored.activities.get(id, set()))
        for id in self.gone & set(stored.contacts):
            yield f"{id} is back after its delete"
        for contact in stored.contacts.values():  # a create that was done, though nobody was told
            if contact["email"] in self._doubts:
                step = int(contact["stage"].removeprefix("step "))
                self.told[contact["id"]] = Held(contact["email"], step, contact["version"])
        self._doubts.clear()
        self._leaving.clear()

    def _compared(self, id: str, held: Held, contact: dict[str, Any], activities: set[str]) -> Iterator[str]:
        doubts = self._doubts.get(id, [])
        step = int(contact["stage"].removeprefix("step "))
        if step != held.step and step not in doubts:
            yield f"{id} is at step {step}, acknowledged was {held.step}"
        if contact["notes"] != (f"step {step}\n" * self._text).rstrip() or contact["name"] != f"{self.name} {step}":
            yield f"{id} is half of one write and half of another"
        if not held.version <= contact["version"] <= held.version + len(doubts):
            yield f"{id} is at version {contact['version']}, acknowledged was {held.version}"
        if missing := held.activities - activities:
            yield f"{id} lost {len(missing)} activities"
        if contact["activities"] != len(activities):
            yield f"{id} counts {contact['activities']} activities and has {len(activities)}"
        held.step, held.version, held.activities = step, contact["version"], activities


async def stored(client: Client) -> Stored:
    """Return every contact and activity of the client's workspace."""
    contacts = {item["id"]: item async for item in items(client, "/contacts?limit=200&sort=id&fields=" + _FIELDS)}
    activities: dict[str, set[str]] = defaultdict(set)
    async for item in items(client, "/activities?limit=200"):
        activities[item["contact_id"]].add(item["id"])
    return Stored(contacts, activities)


_FIELDS = "id,name,email,stage,notes,version,activities"


async def items(client: Client, path: str) -> AsyncIterator[dict[str, Any]]:
    """Yield every item of a list, over all its pages."""
    cursor = ""
    while cursor is not None:
        page = (await client.get(f"{path}{cursor and '&cursor=' + cursor}")).json()
        for item in page["items"]:
            yield item
        cursor = page["next_cursor"]


async def unaudited(client: Client, writers: list[Writer]) -> list[str]:
    """Return acknowledged writes without a row in the audit log, and targets with other than a row for each version."""
    seen: set[tuple[str, str]] = set()
    rows: Counter[str] = Counter()
    async for entry in items(client, "/audit?limit=200"):
        target, changes = entry["target"], entry["changes"] or {}
        rows[target] += 1
        if entry["action"].endswith(".delete"):
            seen.add((target, "gone"))
        elif target.startswith("contact/"):
            seen.add((target, changes.get("stage", [None, ""])[1]))
        else:
            seen.add((target, ""))
    wrong = [f"{target} {what}" for writer in writers for target, what in writer.written if (target, what) not in seen]
    held = [(f"contact/{id}", contact.version) for writer in writers for id, contact in writer.told.items()]
    return wrong + [f"{target} has {rows[target]} rows" for target, version in held if rows[target] != version]
