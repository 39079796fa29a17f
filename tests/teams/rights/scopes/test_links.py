"""Links and jobs of tokens of exact scopes."""

from functools import partial

from crmkit.storage.interface.tx import Tx
from tests.core.jobs.kinds import actor_of, add
from tests.house import House
from tests.teams.office import JSON, Team, new
from tests.teams.rights.matrix import NEVER
from tests.teams.rights.scopes.narrow import CONTACTS, DEALS, missing, narrowed


def test_a_link_ends_with_the_scopes_and_outside_the_networks_of_its_token(home: House, us: Team) -> None:
    new(us.alice, "/contacts", name="Jane")
    maker = narrowed(home, us.alice, CONTACTS, "127.0.0.0/8")
    links = [
        maker.post("/links", json={"path": path}, headers=JSON).json()
        for path in ("/contacts", "/search?q=jane&types=contacts")
    ]
    assert all(home.visitor().get(link["url"]).status_code == 200 for link in links)
    token = links[0]["id"]
    home.do(home.crm.database.write(partial(_set, "access", "deals.read", token), lanes=[us.id]))
    for link in links:
        for accept in ("text/html", "application/json"):
            answer = home.visitor().get(link["url"], headers={"Accept": accept})
            assert (answer.status_code, "contacts" in answer.text) == (410, False), answer.text
    home.do(home.crm.database.write(partial(_set, "access", CONTACTS, token), lanes=[us.id]))
    assert home.visitor().get(links[0]["url"]).status_code == 200
    home.do(home.crm.database.write(partial(_set, "networks", "203.0.113.0/24", token), lanes=[us.id]))
    assert home.visitor().get(links[0]["url"]).status_code == 410


def _set(column: str, value: str, link: str, tx: Tx) -> None:
    sql = f"UPDATE tokens SET {column} = ? WHERE id = (SELECT token_id FROM links WHERE id = ?)"
    tx.connection.execute(sql, (value, link))


def test_the_links_of_others_are_seen_by_who_reads_all_and_ended_by_who_writes_all(home: House, us: Team) -> None:
    theirs = new(us.alice, "/links", path="/deals")
    maker = narrowed(home, us.alice, CONTACTS)
    own_link = new(maker, "/links", path="/contacts")
    assert [link["id"] for link in maker.json_of("GET", "/links")["items"]] == [own_link]
    assert maker.delete(f"/links/{theirs}").status_code == 404
    assert maker.delete(f"/links/{own_link}").status_code == 200
    assert missing(narrowed(home, us.alice, "read").delete(f"/links/{theirs}", headers=JSON)) == "write"
    assert narrowed(home, us.alice, "write").delete(f"/links/{theirs}").status_code == 200


def test_a_job_is_told_to_the_token_that_began_it_and_to_who_reads_its_kind(home: House, us: Team) -> None:
    clerk = narrowed(home, us.alice, "contacts.write contacts.read")
    job = add(home, actor_of(home, clerk), "write_many", {"kind": "contacts"}, NEVER).id
    assert clerk.get(f"/jobs/{job}").status_code == 200
    assert narrowed(home, us.alice, CONTACTS).get(f"/jobs/{job}").status_code == 200
    assert missing(narrowed(home, us.alice, DEALS).get(f"/jobs/{job}", headers=JSON)) == "contacts.read"
