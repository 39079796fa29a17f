"""A workspace that holds all that one can hold: something of it in every table."""

from functools import partial

from crmkit.core.call import Call
from crmkit.core.sealing.sealing import seal_all
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import seals
from crmkit.storage.log.chain import Chain
from tests import postgres
from tests.house import House, Person
from tests.teams.office import asked, enter, erased, new, working_in
from tests.teams.rights.matrix import add_job, listener, proposed


def filled(home: House, admin: Person, workspace: str, words: tuple[str, ...]) -> Person:
    """Fill a workspace with all that one can hold; return the admin with a token that works in it."""
    inside = working_in(admin, workspace, f"{words[0]}-token")
    place = f"/workspaces/{workspace}"
    home.do(seal_all(Call(home.crm)))
    assert inside.patch(place, json={"code_prefix": "CRM-"}).status_code == 200
    new(inside, "/fields", kind="contact", key=words[0], type="text")
    for n in range(5):
        word = words[n % len(words)]
        company = new(inside, "/companies", name=f"{word} Corp", domain=f"{word}{n}.com", notes=word, tags=[word])
        contact = new(
            inside,
            "/contacts",
            name=f"{word} Jane",
            email=f"jane{n}@{word}.com",
            company_id=company,
            notes=word,
            custom={word: word},
            follow_up_at="2026-06-11",
            follow_up_note=word,
        )
        deal = new(inside, "/deals", title=f"{word} deal", contact_id=contact, company_id=company, stage=word)
        ticket = new(inside, "/tickets", subject=f"{word} broke", contact_id=contact, body=word)
        twins = [new(inside, "/companies", name=f"{word} {n} twins") for _ in range(3)]  # of whom two stay a pair
        assert inside.post("/duplicates/dismiss", json={"a": twins[0], "b": twins[1]}).status_code == 200
        new(inside, "/views", name=f"view-{n}", path=f"/contacts?search={word}")
        new(inside, "/scoring-rules", name=word, expression=f'has(tags, "{word}")')
        listener(inside, word)
        new(inside, "/links", path=f"/contacts?search={word}")
        new(inside, "/tasks", title=f"{word} task", contact_id=contact, notes=word)
        new(inside, "/conversions", contact_id=contact, platform="other", failure=word)
        campaign = new(inside, "/campaigns", name=f"{word} fair", description=word)
        new(inside, f"/campaigns/{campaign}/members", id=contact, reason=word)
        for path in (f"/deals/{deal}", f"/contacts/{contact}", f"/companies/{company}", f"/tickets/{ticket}"):
            new(inside, f"{path}/activities", body=f"{word} call", on_behalf_of=f"boss@{word}.com")
        new(inside, f"/contacts/{contact}/activities", kind="call", body=word, occurred_at="2099-01-01")
        inside.patch(f"/contacts/{contact}", json={"stage": word})
    # one of each is gone, one waits for its confirmation
    for path in ("/contacts", "/companies", "/deals", "/tickets", "/tasks", "/campaigns"):
        going, waiting, *_ = (item["id"] for item in inside.json_of("GET", path)["items"])
        erased(inside, f"{path}/{going}")
        assert inside.delete(f"{path}/{waiting}").status_code == 409
    new(inside, "/contacts", name=f"{words[0]} June", custom={words[0]: words[0]})  # whichever of the others is gone
    assert inside.put("/pipelines/deals", json={"stages": [{"name": word} for word in words]}).status_code == 200
    new(inside, f"{place}/invites", email=f"guest@{words[0]}.com")
    member = f"member@{words[0]}.com"
    new(inside, f"{place}/invites", email=member)
    working_in(enter(home, member), workspace, words[1])
    people = inside.json_of("GET", f"{place}/members")["members"]
    user = next(one["user_id"] for one in people if one["email"] == member)
    asked(home, inside, "POST", f"{place}/members/{user}/role", {"role": "admin"})
    asked(home, inside, "POST", f"{place}/invites", {"email": f"boss@{words[0]}.com", "role": "admin"})
    job = add_job(home, inside, words[0])
    home.do(home.crm.database.write(partial(_keep_records_of, job), lanes=[workspace]))
    proposed(home, inside, workspace, words[0])
    for table in ("imports", "refused_rows"):
        home.do(home.crm.database.write(partial(_add_row, table, workspace, words[0]), lanes=[workspace]))
    body = {"name": f"{words[0]} once", "notes": words[0]}
    assert inside.post("/contacts", json=body, headers={"Idempotency-Key": words[0]}).status_code == 201
    assert inside.get("/brief").status_code == 200
    home.do(seal_all(Call(home.crm)))
    home.do(home.crm.database.write(partial(_prune, workspace, Chain(home.crm.key)), lanes=[workspace]))
    return inside


def _prune(workspace: str, chain: Chain, tx: Tx) -> None:
    """Remove the entries of the oldest seal."""
    (number,) = tx.connection.execute("SELECT number FROM workspaces WHERE id = ?", (workspace,)).fetchone()
    assert seals.prune(tx, chain, Workspace(workspace, number), "2099-01-01T00:00:00Z")


def _keep_records_of(job: str, tx: Tx) -> None:
    sql = "INSERT INTO job_records SELECT workspace_id, id, 0, '[]', '[]' FROM jobs WHERE id = ?"
    tx.connection.execute(sql, (job,))


def _add_row(table: str, workspace: str, word: str, tx: Tx) -> None:
    """Add a row that has the word in each column of text."""
    execute = tx.connection.execute
    (number,) = execute("SELECT number FROM workspaces WHERE id = ?", (workspace,)).fetchone()
    values = {name: word if is_text else 0 for name, is_text in postgres.columns(tx.connection, table)}
    values |= {"workspace_id": workspace} | ({"seq": number << 32 | 1} if "seq" in values else {})
    names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
    execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
