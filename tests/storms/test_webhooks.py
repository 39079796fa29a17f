"""Events of changes that are made at several servers: each is told at least once, those of a record in their order."""

from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.core.crowd import Call, statuses
from tests.house import Person
from tests.storms.place import WAITS, Place
from tests.webhooks.receiver import Receiver, receiver

RECORDS, CHANGES = 6, 15


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.mark.slow
def test_every_change_is_told_and_those_of_a_record_in_order(town: Place, alice: Person, there: Receiver) -> None:
    asked = {"url": there.url, "events": ["contact.created", "contact.updated"]}
    assert alice.json_of("POST", "/webhooks", asked)["state"] == "active"
    ids = [alice.json_of("POST", "/contacts", {"name": "Jane", "stage": "new"})["id"] for _ in range(RECORDS)]
    calls = [Call("PATCH", f"/contacts/{id}", {"stage": f"s{n}"}) for n in range(CHANGES) for id in ids]
    assert statuses(town.storm(calls, alice)) == {200: len(calls)}

    def told() -> dict[str, dict[str, list[str | None]]]:
        """Return (stage before, after) of each event of each record, in the order of their first tries."""
        found: dict[str, dict[str, list[str | None]]] = defaultdict(dict)
        for message in there.received:
            if message.type == "contact.updated":
                found[message.body["data"]["id"]].setdefault(message.body["id"], message.body["changes"]["stage"])
        return found

    there.wait(lambda: sum(map(len, told().values())) >= len(calls), WAITS)
    for id in ids:
        stages = list(told()[id].values())
        assert stages[0][0] == "new"
        assert [before for before, _ in stages[1:]] == [after for _, after in stages[:-1]], stages
    created = {message.body["data"]["id"] for message in there.received if message.type == "contact.created"}
    assert created == set(ids)
