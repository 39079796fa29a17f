"""A person with a long life in a workspace, how one is erased, and where bytes of them are."""

from typing import Any

import httpx
import msgspec

from tests import postgres
from tests.house import House, Person

FIRST, LAST = "Xanthippe", "Quorvblat"
NAME = f"{FIRST} {LAST}"
EMAIL, OLD_EMAIL = "xanthippe.quorvblat@wyrmholt.example", "x.quorvblat@zzyxland.example"
PHONE = "+49 170 55577123"
NOTES = "keeps seventeen vyrkelsnoots"
BODY = "spoke of her plurbwexen"
SECRETS = (NAME, FIRST, LAST, EMAIL, OLD_EMAIL, "zzyxland", "wyrmholt", PHONE, "55577123", "vyrkelsnoot", "plurbwex")


def made(person: Person, path: str, body: Any, **more: Any) -> dict[str, Any]:
    """Return the JSON of a record that a POST made."""
    answer = person.send_it("POST", path, body, headers={"Accept": "application/json", **more})
    assert answer.status_code in (200, 201, 202), answer.text
    found: dict[str, Any] = answer.json()
    return found


def asked(town: House, person: Person, path: str) -> httpx.Response:
    """Return the answer that asks for the confirm token, after the code was mailed and sent."""
    first = person.delete(f"{path}?erase=1")
    assert first.status_code == 403, first.text
    assert "escalation_required" in first.text
    return person.delete(f"{path}?erase=1&code={town.letterbox.code_for(person.email)}")


def erased(town: House, person: Person, path: str, **headers: str) -> httpx.Response:
    """Return the answer to the erasure of a person."""
    second = asked(town, person, path)
    assert second.status_code == 409, second.text
    token = confirm_in(second.text)
    return person.delete(f"{path}?erase=1&confirm={token}", headers=headers)


def confirmed(person: Person, method: str, path: str, body: Any = None) -> httpx.Response:
    """Return the answer to a request that was sent again with its confirm token, where it asked for one."""
    first = person.send_it(method, path, body)
    if first.status_code != 409:
        return first
    return person.send_it(method, f"{path}{'&' if '?' in path else '?'}confirm={confirm_in(first.text)}", body)


def confirm_in(text: str) -> str:
    return text.partition("confirm=")[2].split()[0]


def lived(town: House, alice: Person) -> tuple[str, str]:
    """Return the id of a person who came through every store there is, and that of a deal of theirs."""
    body = {"name": NAME, "email": OLD_EMAIL, "phone": PHONE, "notes": NOTES, "custom": {"pet": "plurbwexen"}}
    id: str = made(alice, "/contacts", body, **{"Idempotency-Key": "first"})["id"]
    alice.patch(f"/contacts/{id}", json={"email": EMAIL, "address": "7 Vyrkelsnoot Lane"})
    twin = made(alice, "/contacts", {"first_name": FIRST, "last_name": LAST, "notes": NOTES})["id"]
    assert confirmed(alice, "POST", f"/contacts/{id}/merge", {"from": twin}).status_code == 200
    for number in range(3):
        made(alice, f"/contacts/{id}/activities", {"body": f"{BODY} {number}", "kind": "call"})
    gone = made(alice, f"/contacts/{id}/activities", {"body": BODY})["id"]
    assert confirmed(alice, "DELETE", f"/activities/{gone}").status_code == 200
    changed = alice.patch(f"/contacts/{id}", json={"job_title": f"{LAST} in chief"})
    assert alice.post(f"/undo/{changed.headers['x-operation']}").status_code == 200
    deal: str = made(alice, "/deals", {"title": "a deal", "contact_id": id})["id"]
    made(alice, "/tasks", {"title": "a task", "contact_id": id})
    made(alice, "/conversions", {"contact_id": id, "platform": "meta", "failure": f"no {LAST} there"})
    campaign = made(alice, "/campaigns", {"name": "spring"})["id"]
    made(alice, f"/campaigns/{campaign}/members", {"id": id, "reason": f"since {NAME} likes it"})
    some = {"items": [{"email": EMAIL, "city": "Wyrmholt"}, {"name": "Bob Other"}]}
    made(alice, "/contacts/batch", some, **{"Idempotency-Key": "batch"})
    made(alice, "/links", {"path": f"/contacts?email={EMAIL}"})
    found = confirmed(alice, "PATCH", f"/contacts?email={EMAIL}", {"region": "Wyrmholt"})
    assert found.status_code in (200, 202), found.text
    alice.get("/contacts?search=xanthipe quorvblatt")
    assert alice.get(f"/contacts.csv?search={LAST}").status_code in (200, 404)
    rows = f"{NAME},{EMAIL},lead,4\n{NAME},{OLD_EMAIL},lead,eleven\nBob Wrong,bob@b.example,lead,twelve\n"
    for path, name in (("/import?start=1", f"{FIRST}_{LAST}.csv"), ("/import", "plan.csv")):
        file = {"file": (name, f"name,email,stage,rating\n{rows}", "text/csv")}
        sent = alice.post(path, data={"kind": "contacts"}, files=file)
        assert sent.status_code in (200, 201, 202), sent.text
    while "state=running" in alice.get("/imports").text:
        town.rested()
    return id, deal


def rows_telling(town: House, secrets: tuple[str, ...] = SECRETS) -> dict[str, set[str]]:
    """Return which tables and columns hold any of these texts, whatever their case."""
    found: dict[str, set[str]] = {}

    def look(connection: Any) -> None:
        for table in postgres.tables(connection):
            if table.endswith(("_search_data", "_search_idx", "_search_docsize", "_search_config")):
                continue
            for row in postgres.rows_of(connection, table):
                for name, value in row.items():
                    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                    if any(secret.lower() in text.lower() for secret in secrets):
                        found.setdefault(table, set()).add(name)

    town.do(town.crm.database.read(None, look))
    return found


def files_telling(town: House, secrets: tuple[str, ...] = SECRETS) -> dict[str, list[str]]:
    """Return which files of the data folder hold any of these texts, in the cases in which they are kept."""
    found: dict[str, list[str]] = {}
    for file in (path for path in town.folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        forms = {form for secret in secrets for form in (secret, secret.lower())}
        held = sorted(form for form in forms if form.encode() in content)
        if held:
            found[file.name] = held
    return found


def changes(person: Person, path: str) -> list[Any]:
    return [msgspec.to_builtins(item["changes"]) for item in person.json_of("GET", path)["items"]]
