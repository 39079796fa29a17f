"""A random walk through memberships, a plain model beside the server: nobody does more, or less, than it says."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.house import House, Person
from tests.teams.office import JSON, address, error_of, person_of

ROLES = st.sampled_from(["admin", "member"])
ANY = st.integers(0, 999)  # picks from what there is at that moment
WRONG_A_DAY = 10

Outcome = tuple[int, str]
DEAD, STRANGE, POWERLESS = (401, "invalid_token"), (403, "not_a_member"), (403, "admin_required")
NOWHERE = (404, "not_found")


@dataclass
class Place:
    """A workspace as the model knows it."""

    id: str
    members: dict[str, str] = field(default_factory=dict)  # address -> role
    invites: dict[str, str] = field(default_factory=dict)  # address -> role
    inviters: dict[str, str] = field(default_factory=dict)  # address that is invited -> address of who did it
    contacts: dict[str, str] = field(default_factory=dict)  # id -> stage
    alive: bool = True

    @property
    def admins(self) -> int:
        return list(self.members.values()).count("admin")

    def joins(self, email: str) -> None:
        self.members.setdefault(email, self.invites.pop(email))

    def withdraws_invites_of(self, email: str) -> None:
        for invited in [invited for invited in self.invites if self.inviters[invited] == email]:
            del self.invites[invited]


@dataclass
class Key:
    """A token: whose, for which workspace, and whether the model says it works."""

    person: Person
    id: str
    email: str
    place: Place
    alive: bool = True


class Walk(RuleBasedStateMachine):
    home: ClassVar[House]
    tally: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.people = [address(name) for name in ("alice", "bob", "charlie", "dora")]
        self.users: dict[str, str] = {}
        self.places: list[Place] = []
        self.keys: list[Key] = []
        self.invites: list[tuple[Place, str, str]] = []  # place, invite id, address: also those that are gone
        self.contacts: list[tuple[Place, str]] = []
        self.wrong: Counter[str] = Counter()

    # the model

    def belongs(self, email: str) -> list[Place]:
        return [place for place in self.places if email in place.members]

    def may(self, key: Key, place: Place, *, admin: bool) -> Outcome | None:
        """Return how a request is refused before anything else is looked at, None when it is not."""
        if not key.alive:
            return DEAD
        if key.email not in place.members:
            return STRANGE
        return POWERLESS if admin and place.members[key.email] != "admin" else None

    def out(self, place: Place, email: str) -> None:
        del place.members[email]
        place.withdraws_invites_of(email)
        for key in self.keys:
            if key.place is place and key.email == email:
                key.alive = False

    # the server

    def ask(self, key: Key, method: str, path: str, body: Any = None) -> httpx.Response:
        Walk.tally["requests"] += 1
        return key.person.send_it(method, path, body, headers=JSON)

    def expects(self, answer: httpx.Response, outcome: Outcome) -> bool:
        """Tell whether the request was done; fails when that is not what the model says."""
        assert error_of(answer) == outcome, (answer.request.method, answer.request.url, answer.text)
        Walk.tally[outcome[1] or "done"] += 1
        return answer.status_code < 300

    def steps_up(self, key: Key, how: str, method: str, path: str, body: Any, done: int) -> httpx.Response:
        """Return the last answer of a request that wants a code, with the right code, a wrong one or none."""
        letters = self.home.letterbox.letters
        before = len(letters)
        self.expects(self.ask(key, method, path, body), (403, "escalation_required"))
        assert [letter.to for letter in letters[before:]] == [key.email]
        code = self.home.letterbox.code_for(key.email)
        if how == "wrong" and self.wrong[key.email] < WRONG_A_DAY - 1:
            self.wrong[key.email] += 1
            bad = f"{(int(code) + 1) % 10**6:06d}"
            self.expects(self.ask(key, method, f"{path}?code={bad}", body), (403, "invalid_code"))
        answer = self.ask(key, method, f"{path}?code={code}", body)
        self.expects(answer, (done, ""))
        return answer

    def signed_in(self, email: str) -> Key:
        self.home.clock.move(seconds=3)
        name = address("token")
        with Person(self.home.url) as someone:
            assert someone.post("/auth/request", json={"email": email}).status_code == 200
            entry = {"email": email, "code": self.home.letterbox.code_for(email), "token_name": name}
            known = someone.post("/auth/verify", json=entry, headers=JSON).json()
        acquaintances = {other for place in self.belongs(email) for other in place.members}
        for place in self.places:
            if email in place.invites and (email not in self.users or place.inviters[email] in acquaintances):
                place.joins(email)
        waiting = {invite["workspace_id"]: invite["role"] for invite in known["invites"]}
        assert waiting == {place.id: place.invites[email] for place in self.places if email in place.invites}
        mine = {place.id: place.members[email] for place in self.belongs(email)}
        shown = {place["id"]: place["role"] for place in known["workspaces"]}
        own = shown.keys() - mine.keys()
        assert len(own) <= (email not in self.users or not mine)  # one of their own, when they are new
        for id in own:
            mine[id] = "admin"
            self.places.append(Place(id, {email: "admin"}))
        assert shown == mine
        assert mine
        place = next(place for place in self.places if place.id == known["workspace_id"])
        key = self.holds(known["token"], name, email, place)
        self.users[email] = key.person.json_of("GET", "/whoami")["user"]
        return key

    def holds(self, token: str, name: str, email: str, place: Place) -> Key:
        person = person_of(self.home.url, token, email)
        id = next(item["id"] for item in person.json_of("GET", "/tokens")["items"] if item["name"] == name)
        self.keys.append(Key(person, id, email, place))
        return self.keys[-1]

    # the steps

    @initialize(joined=st.sets(st.sampled_from([1, 2, 3]), min_size=1))
    def a_team_is_there(self, joined: set[int]) -> None:
        self.home.clock.move(hours=1)  # with a fresh budget of mails
        alice = self.signed_in(self.people[0])
        for who in sorted(joined):
            body = {"email": self.people[who], "role": "member"}
            answer = self.ask(alice, "POST", f"/workspaces/{alice.place.id}/invites", body)
            self.expects(answer, (201, ""))
            alice.place.invites[self.people[who]] = "member"
            alice.place.inviters[self.people[who]] = alice.email
            self.invites.append((alice.place, answer.json()["id"], self.people[who]))
            self.signed_in(self.people[who])

    def chosen(self, k: int, p: int) -> tuple[Key, Place]:
        """Return a token, rather one that works, and a place, rather one that the token's owner knows."""
        alive = [key for key in self.keys if key.alive]
        key = self.keys[k // 4 % len(self.keys)] if k % 4 == 0 or not alive else alive[k // 4 % len(alive)]
        known = self.belongs(key.email)
        return key, self.places[p // 4 % len(self.places)] if p % 4 == 0 or not known else known[p // 4 % len(known)]

    @rule(who=ANY)
    def sign_in(self, who: int) -> None:
        self.signed_in(self.people[who % 4])

    @rule(k=ANY)
    def open_a_workspace(self, k: int) -> None:
        key = self.chosen(k, 0)[0]
        answer = self.ask(key, "POST", "/workspaces", {"name": "Another"})
        if self.expects(answer, (201, "") if key.alive else DEAD):
            self.places.append(Place(answer.json()["id"], {key.email: "admin"}))

    @rule(k=ANY, p=ANY, who=ANY, role=ROLES, how=st.sampled_from(["right", "wrong", "none"]))
    def invite(self, k: int, p: int, who: int, role: str, how: str) -> None:
        (key, place), email = self.chosen(k, p), self.people[who % 4]
        path, body = f"/workspaces/{place.id}/invites", {"email": email, "role": role}
        refused = self.may(key, place, admin=True) or ((409, "already_exists") if email in place.members else None)
        if refused:
            self.expects(self.ask(key, "POST", path, body), refused)
            return
        if role == "admin" and how == "none":
            self.expects(self.ask(key, "POST", path, body), (403, "escalation_required"))
            return
        if role == "admin":
            answer = self.steps_up(key, how, "POST", path, body, 201)
        else:
            answer = self.ask(key, "POST", path, body)
            self.expects(answer, (201, ""))
        place.invites[email] = role
        place.inviters[email] = key.email
        self.invites.append((place, answer.json()["id"], email))

    @rule(k=ANY, i=ANY)
    def withdraw(self, k: int, i: int) -> None:
        if not self.invites:
            return
        key, (place, id, email) = self.chosen(k, 0)[0], self.invites[i % len(self.invites)]
        shown = {invite[1] for invite in self.invites if invite[0] is place and invite[2] == email}
        answer = self.ask(key, "DELETE", f"/workspaces/{place.id}/invites/{id}")
        refused = self.may(key, place, admin=True)
        if refused is None and (email not in place.invites or id != self.newest(place, email)):
            refused = NOWHERE
        assert id in shown
        if self.expects(answer, refused or (200, "")):
            del place.invites[email]

    def newest(self, place: Place, email: str) -> str:
        return next(id for at, id, to in reversed(self.invites) if at is place and to == email)

    @rule(k=ANY, p=ANY, who=ANY, role=ROLES, how=st.sampled_from(["right", "wrong", "none"]))
    def set_role(self, k: int, p: int, who: int, role: str, how: str) -> None:
        (key, place), email = self.chosen(k, p), self.people[who % 4]
        if email not in self.users:
            return
        path, body = f"/workspaces/{place.id}/members/{self.users[email]}/role", {"role": role}
        refused = self.may(key, place, admin=True) or (None if email in place.members else NOWHERE)
        before = place.members.get(email)
        if refused is None and before == "admin" and role == "member" and place.admins == 1:
            refused = (409, "last_admin")
        if refused is None and before == "member" and role == "admin":
            if how == "none":
                refused = (403, "escalation_required")
            else:
                self.steps_up(key, how, "POST", path, body, 200)
                place.members[email] = role
                return
        if self.expects(self.ask(key, "POST", path, body), refused or (200, "")):
            place.members[email] = role
            if (before, role) == ("admin", "member"):
                place.withdraws_invites_of(email)

    @rule(k=ANY, p=ANY)
    def join(self, k: int, p: int) -> None:
        key, place = self.chosen(k, p)
        waits = key.alive and key.email in place.invites
        refused = None if waits else self.may(key, place, admin=False)
        if self.expects(self.ask(key, "POST", f"/workspaces/{place.id}/join"), refused or (200, "")) and waits:
            place.joins(key.email)

    @rule(k=ANY, p=ANY, who=ANY)
    def remove(self, k: int, p: int, who: int) -> None:
        (key, place), email = self.chosen(k, p), self.people[who % 4]
        if email in self.users:
            self.removed(key, place, email)

    def removed(self, key: Key, place: Place, email: str) -> None:
        answer = self.ask(key, "DELETE", f"/workspaces/{place.id}/members/{self.users[email]}")
        refused = self.may(key, place, admin=email != key.email) or (None if email in place.members else NOWHERE)
        if refused is None and place.members[email] == "admin" and place.admins == 1:
            refused = (409, "last_admin")
        if self.expects(answer, refused or (200, "")):
            self.out(place, email)

    @rule(k=ANY)
    def leave(self, k: int) -> None:
        key = self.chosen(k, 0)[0]
        self.removed(key, key.place, key.email)

    @rule(k=ANY, p=ANY)
    def mint(self, k: int, p: int) -> None:
        (key, place), name = self.chosen(k, p), address("token")
        answer = self.ask(key, "POST", f"/workspaces/{place.id}/tokens", {"token_name": name})
        if self.expects(answer, self.may(key, place, admin=False) or (201, "")):
            self.holds(answer.json()["token"], name, key.email, place)

    @rule(k=ANY, other=ANY)
    def revoke(self, k: int, other: int) -> None:
        key, gone = self.chosen(k, 0)[0], self.keys[other % len(self.keys)]
        answer = self.ask(key, "DELETE", f"/tokens/{gone.id}")
        hers = gone.alive and gone.email == key.email
        if self.expects(answer, DEAD if not key.alive else (200, "") if hers else NOWHERE):
            gone.alive = False

    @rule(k=ANY, p=ANY, how=st.sampled_from(["right", "wrong", "none", "none"]))
    def delete_a_workspace(self, k: int, p: int, how: str) -> None:
        key, place = self.chosen(k, p)
        path = f"/workspaces/{place.id}"
        refused = self.may(key, place, admin=True)
        if refused or how == "none":
            self.expects(self.ask(key, "DELETE", path), refused or (403, "escalation_required"))
            return
        self.expects(self.ask(key, "DELETE", path), (403, "escalation_required"))
        code = self.home.letterbox.code_for(key.email)
        self.expects(self.ask(key, "DELETE", f"{path}?code={code}"), (200, ""))
        for email in list(place.members):
            self.out(place, email)
        place.invites.clear()
        place.contacts.clear()
        place.alive = False

    @rule(k=ANY)
    def add_a_contact(self, k: int) -> None:
        key = self.chosen(k, 0)[0]
        answer = self.ask(key, "POST", "/contacts", {"name": "Jane"})
        if self.expects(answer, (201, "") if key.alive else DEAD):
            self.contacts.append((key.place, answer.json()["id"]))
            key.place.contacts[answer.json()["id"]] = ""

    @rule(k=ANY, c=ANY, stage=st.sampled_from(["", "lead", "won"]))
    def read_or_write_a_contact(self, k: int, c: int, stage: str) -> None:
        if not self.contacts:
            return
        key, (place, id) = self.chosen(k, 0)[0], self.contacts[c % len(self.contacts)]
        there = id in place.contacts and key.place is place
        method, body = ("PATCH", {"stage": stage}) if stage else ("GET", None)
        answer = self.ask(key, method, f"/contacts/{id}", body)
        if self.expects(answer, DEAD if not key.alive else (200, "") if there else NOWHERE):
            place.contacts[id] = stage or place.contacts[id]
            assert (answer.json()["stage"] or "") == place.contacts[id]

    @rule(k=ANY)
    def look_around(self, k: int) -> None:
        self.sees(self.chosen(k, 0)[0])

    def sees(self, key: Key) -> None:
        """See that a token shows all of what is its own, and nothing else."""
        if not key.alive:
            for path in ("/whoami", "/contacts", "/workspaces"):
                self.expects(self.ask(key, "GET", path), DEAD)
            return
        card = self.ask(key, "GET", "/whoami").json()
        place = key.place
        assert (card["workspace"], card["role"], card["email"]) == (place.id, place.members[key.email], key.email)
        assert card["usage"]["members"]["used"] == len(place.members) + len(place.invites)
        listed = self.ask(key, "GET", "/contacts?limit=200").json()["items"]
        assert {item["id"]: item["stage"] or "" for item in listed} == place.contacts
        shown = {item["id"]: item["role"] for item in self.ask(key, "GET", "/workspaces").json()["items"]}
        assert shown == {place.id: place.members[key.email] for place in self.belongs(key.email)}
        tokens = {item["id"] for item in self.ask(key, "GET", "/tokens").json()["items"]}
        assert tokens == {other.id for other in self.keys if other.alive and other.email == key.email}
        for place in self.places:
            answer = self.ask(key, "GET", f"/workspaces/{place.id}/members")
            if self.expects(answer, self.may(key, place, admin=False) or (200, "")):
                known = answer.json()
                assert {one["email"]: one["role"] for one in known["members"]} == place.members
                assert {one["email"]: one["role"] for one in known["invites"]} == place.invites

    @invariant()
    def a_workspace_has_an_admin(self) -> None:
        Walk.tally["steps"] += 1
        assert all(place.admins >= 1 for place in self.places if place.alive)

    def teardown(self) -> None:
        for key in self.keys:
            self.sees(key)
        for key in self.keys:
            key.person.close()


@pytest.mark.slow
def test_nobody_sees_or_does_what_they_may_not(home: House) -> None:
    Walk.home, Walk.tally = home, Counter()
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"\n{dict(Walk.tally)}")
    # the walk came by every kind of answer
    for outcome in (DEAD, STRANGE, POWERLESS, NOWHERE, (409, "last_admin"), (403, "escalation_required"), (0, "done")):
        assert Walk.tally[outcome[1]] > 0, outcome
