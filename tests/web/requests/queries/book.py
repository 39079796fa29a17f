"""A small address book in which every kind of value is there once, and once missing."""

from tests.house import House, Person

ENTRIES = {
    "A": {
        "name": "Ada Lovelace",
        "email": "ada@acme.com",
        "phone": "+49 30 1",
        "stage": "lead",
        "tags": ["vip", "fintech"],
        "notes": "50%_off, met in Rome",
        "custom": {"score": 5, "plan": "Gold", "ok": True, "address": {"city": "Rome"}, "full name": "Ada L"},
        "follow_up_at": "2026-06-01",
    },
    "B": {
        "name": "Bob",
        "email": "bob@globex.com",
        "stage": "Lead",
        "tags": ["VIP"],
        "notes": "http://globex.com",
        "custom": {"score": 10, "ok": False, "address": {"city": "ROMA"}},
        "follow_up_at": "2026-07-01T02:00:00+02:00",
    },
    "C": {"name": "Cleo", "stage": "customer", "tags": ["saas"], "custom": {"score": 9.5, "plan": "10", "a.b": "dot"}},
    "D": {"name": "eq:Dan", "email": "dan@acme.com", "custom": {"score": "7"}, "notes": "500 off"},
    "E": {"name": "Émile Zola", "email": "emile@acme.com", "stage": "churned"},
}


def filled(house: House, person: Person) -> dict[str, str]:
    """Create the entries, a day apart, and return letter -> id."""
    letters = {}
    for letter, body in ENTRIES.items():
        letters[letter] = person.json_of("POST", "/contacts", body)["id"]
        house.clock.move(days=1)
    return letters
