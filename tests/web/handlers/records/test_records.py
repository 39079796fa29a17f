"""Contacts over HTTP."""

from tests.house import Person, Process


def test_a_contact_that_is_created_is_found_again(alice: Person) -> None:
    answer = alice.post("/contacts", json={"name": "Jane Doe", "email": "Jane@Acme.com"})
    assert answer.status_code == 201
    assert answer.text.endswith("# created\n")
    assert "email=jane@acme.com" in alice.text("GET", "/contacts?search=jane")


def test_the_real_program_serves_a_list_and_stops_cleanly(served: Process) -> None:
    with served.sign_in() as me:
        assert "# total: 0" in me.text("GET", "/contacts")
    assert served.stop() == 0
