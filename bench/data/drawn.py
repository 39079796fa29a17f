"""Made-up companies, people, deals, tasks and what was logged about them: the same ones for the same seed."""

import random
from datetime import timedelta
from typing import Any

from crmkit.clock import moment, stamp

TERM = "quokka"  # in the name or the notes of every TERM_EVERY-th contact of a workspace, and of no other
TERM_EVERY = 200
RARE = "axolotl"  # in the notes of RARE_TIMES contacts of a workspace
RARE_TIMES = 3

TODAY = "2026-06-10T09:00:00Z"
OWNERS = tuple(f"{name}@example.com" for name in ("ada", "bela", "chen", "dara", "emil", "fay", "gus", "hana"))
STAGES = ("lead", "lead", "lead", "Lead", "qualified", "customer", "customer", "lost", None)
TAGS = ("vip", "newsletter", "fintech", "berlin", "partner", "2026", "press", "trial", "renewal", "Zürich")
KINDS = ("note", "call", "email", "meeting", "task")

_FIRST = [
    "Anna",
    "Ben",
    "Carla",
    "David",
    "Eva",
    "Finn",
    "Grace",
    "Henry",
    "Ida",
    "Jan",
    "Karla",
    "Liam",
    "Mia",
    "Noah",
    "Olga",
    "Paul",
    "Rosa",
    "Sam",
    "Tara",
    "Uwe",
    "Vera",
    "Will",
    "Xenia",
    "Yusuf",
    "Zoë",
    "Jürgen",
    "María",
    "Łukasz",
    "Chloé",
    "Søren",
]
_STARTS = [
    "Bran",
    "Kel",
    "Mor",
    "Tan",
    "Sil",
    "Gar",
    "Hol",
    "Wes",
    "Nor",
    "Pet",
    "Ram",
    "Lin",
    "Dor",
    "Fen",
    "Car",
    "Bel",
    "Stan",
    "Rok",
    "Vel",
    "Mar",
    "Hend",
    "Oster",
    "Lund",
    "Schmid",
]
_MIDDLES = ["a", "e", "i", "o", "u", "er", "an", "el", "or", "in"]
_ENDS = [
    "son",
    "man",
    "berg",
    "field",
    "ov",
    "ski",
    "ham",
    "ton",
    "ley",
    "sen",
    "dal",
    "ric",
    "mond",
    "wick",
    "low",
    "stein",
    "ford",
    "ner",
    "ti",
    "lund",
]
_SUFFIXES = ("Labs", "GmbH", "Ltd", "Group", "Systems", "Partners", "Foods", "Works")
_CITIES = ("Berlin", "Zürich", "Lagos", "Lima", "Oslo", "Pune")
_place = random.Random("towns")
TOWNS = tuple((_place.uniform(-50, 60), _place.uniform(-180, 180)) for _ in range(300))  # degrees north and east
_SPREAD = 0.05  # degrees: about a third of those who are in a town are within 5 km of its middle
_SENTENCES = (
    "Met at the spring fair.",
    "Prefers a call in the morning.",
    "Asked for the price list twice.",
    "Wants an offer for ten seats before the summer.",
    "Knows the team from an earlier project.",
    "Budget is decided in the third quarter.",
    "Sent the contract for review.",
    "Likes short mails.",
)

Body = dict[str, Any]


class Drawn:
    """Bodies as a client could send them, already in the form that is stored."""

    def __init__(self, choice: random.Random, contacts: int) -> None:
        self._choice = choice
        self._chance = choice.random
        self._contacts = contacts
        self._place = random.Random(contacts)  # of its own, so that all else is as it was without places
        self._taken: set[str] = set()  # emails and domains

    def company(self) -> Body:
        one = self._one
        name = f"{self._surname()} {one(_SUFFIXES)}"
        body: Body = {"name": name, "owner": one(OWNERS)}
        if self._chance() < 0.8:
            body["domain"] = self._unused(name.replace(" ", "").lower(), ".com")
        return self._described(body)

    def contact(self, number: int, company: tuple[str, Body] | None) -> Body:
        """Return the contact of this number (from 0); `company` is the id and body of where they work."""
        one, chance = self._one, self._chance
        has_term = number % TERM_EVERY == 0
        first, last = one(_FIRST), self._surname()
        if has_term and number % (2 * TERM_EVERY) == 0:
            last = TERM.capitalize()
        body: Body = {"name": f"{first} {last}"}
        if company is not None:
            body |= {"company_id": company[0], "company_name": company[1]["name"]}
        domain = (company and company[1].get("domain")) or one(("gmail.com", "web.de", "mail.org"))
        if chance() < 0.95:
            plain = first.encode("ascii", "ignore").decode().lower()
            last = "q" if has_term else last.lower()
            body["email"] = self._unused(f"{plain}.{last}", f"@{domain}")
        if chance() < 0.7:
            body["phone"] = f"+49 {self._choice.randrange(10**8, 10**9)}"
        if chance() < 0.9:
            body["owner"] = one(OWNERS)
        body["stage"] = one(STAGES)
        if chance() < 0.03:
            body["follow_up_at"] = self.time(-180, 540)
            body["follow_up_note"] = "Call back"
        if self._place.random() < 0.1:
            north, east = self._place.choice(TOWNS)
            body["latitude"] = round(self._place.gauss(north, _SPREAD), 6)
            body["longitude"] = round(max(-180.0, min(180.0, self._place.gauss(east, _SPREAD))), 6)
        body = self._described(body)
        if has_term and TERM not in body["name"].lower():
            body["notes"] = f"{body.get('notes') or ''} Brought a {TERM}.".strip()
        if number % (self._contacts // RARE_TIMES) == 1 and number // (self._contacts // RARE_TIMES) < RARE_TIMES:
            body["notes"] = f"{body.get('notes') or ''} Keeps an {RARE}.".strip()
        return body

    def deal(self, contact: tuple[str, Body]) -> Body:
        one = self._one
        id, person = contact
        body: Body = {
            "title": f"{one(('Licences', 'Support', 'Training', 'Pilot', 'Renewal'))} {one(_CITIES)}",
            "amount_cents": self._choice.randrange(1_000, 10_000_000),
            "currency": one(("USD", "EUR", "CHF")),
            "stage": one(("proposal", "negotiation", "contract", None)),
            "status": one(("open", "open", "won", "lost")),
            "contact_id": id,
            "contact_name": person["name"],
            "owner": one(OWNERS),
            "close_date": self.time(-100, 400)[:10],
        }
        if "company_id" in person:
            body |= {"company_id": person["company_id"], "company_name": person["company_name"]}
        if body["status"] != "open":
            body["closed_at"] = TODAY
        if self._chance() < 0.05:
            body["follow_up_at"] = self.time(-180, 540)
        return self._described(body)

    def task(self, contact: tuple[str, Body]) -> Body:
        id, person = contact
        body: Body = {
            "title": f"{self._one(('Call', 'Offer', 'Visit', 'Invoice', 'Report'))} {self._one(_CITIES)}",
            "due_at": self.time(-180, 540),
            "owner": self._one(OWNERS),
            "contact_id": id,
            "contact_name": person["name"],
        }
        if body["due_at"] < TODAY and self._chance() < 0.9:
            body |= {"done": True, "done_at": TODAY}
        if self._chance() < 0.1:
            body |= {"repeat": "weekly", "repeats_from": body["due_at"]}
        return self._described(body)

    def activity(self) -> Body:
        return {"kind": self._one(KINDS), "body": self._one(_SENTENCES), "occurred_at": self.time(-900, 0)}

    def time(self, first: int, last: int) -> str:
        """Return a moment between two days, counted from TODAY."""
        return stamp(moment(TODAY) + timedelta(seconds=self._choice.randrange(first * 86_400, last * 86_400)))

    def _described(self, body: Body) -> Body:
        """Return the body with tags, notes and custom fields here and there."""
        if self._chance() < 0.4:
            body["tags"] = self._choice.sample(TAGS, self._choice.randint(1, 3))
        if self._chance() < 0.5:
            body["notes"] = " ".join(self._choice.sample(_SENTENCES, self._choice.randint(1, 3)))
        if self._chance() < 0.4:
            body["custom"] = {"size": self._choice.randint(1, 5_000), "city": self._one(_CITIES)}
        return body

    def _surname(self) -> str:
        return self._one(_STARTS) + self._one(_MIDDLES) + self._one(_ENDS)

    def _unused(self, start: str, end: str) -> str:
        found = start + end
        while found in self._taken:
            found = f"{start}{self._choice.randrange(10**6)}{end}"
        self._taken.add(found)
        return found

    def _one(self, among: Any) -> Any:
        return among[int(self._chance() * len(among))]


def another(body: Body, mark: str) -> Body:
    """Return a contact who is likely the same as nobody: name, email and phone have the mark, of digits, in them."""
    body = {**body, "name": f"{body['name']} {mark}", "email": f"{mark}.{body.get('email', 'x@example.org')}"}
    return body | {"phone": f"+49 {mark}"} if "phone" in body else body
