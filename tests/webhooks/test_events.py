"""Which events there are, and what they tell."""

import base64
import re

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.house import House, Person
from tests.webhooks.making import made, sent, standing
from tests.webhooks.receiver import Receiver, until


def test_a_message_is_signed_as_the_reference_library_verifies_it_and_shows_the_record(
    alice: Person, there: Receiver
) -> None:
    webhook = made(alice, there, events=["contact.created"])
    contact = alice.json_of("POST", "/contacts", {"name": "Ana", "email": "ana@example.com"})
    (message,) = there.wait_for(1)
    body = Webhook(webhook["secret"]).verify(message.raw, dict(message.headers))
    assert body["id"] == message.headers["webhook-id"]
    assert re.fullmatch(r"evt_[0-9a-f]{24}", body["id"])
    assert body["type"] == "contact.created"
    assert body["workspace_id"].startswith("ws_")
    assert body["data"] == alice.json_of("GET", f"/contacts/{contact['id']}")
    assert body["changes"]["name"] == [None, "Ana"]
    assert len(base64.b64decode(webhook["secret"].removeprefix("whsec_"))) == 32


def test_updates_merges_and_deletes_tell_what_changed_and_what_is_gone_was(alice: Person, there: Receiver) -> None:
    made(alice, there, events=["contact.*"])
    ana = alice.json_of("POST", "/contacts", {"name": "Ana", "email": "ana@example.com"})["id"]
    ann = alice.json_of("POST", "/contacts", {"name": "Ann"})["id"]
    there.wait_for(2)
    alice.json_of("PATCH", f"/contacts/{ana}", {"name": "Ana Paz"})
    updated = there.wait_for(3)[-1].body
    assert (updated["type"], updated["changes"]) == ("contact.updated", {"name": ["Ana", "Ana Paz"]})
    token = alice.json_of("POST", f"/contacts/{ana}/merge", {"from": ann})["confirm"]
    alice.json_of("POST", f"/contacts/{ana}/merge?confirm={token}", {"from": ann})
    there.wait(lambda: "contact.merged" in there.types())
    merged = next(message.body for message in there.received if message.type == "contact.merged")
    assert merged["data"]["id"] == ann
    assert merged["data"]["name"] == "Ann"
    assert merged["changes"]["merged_into"] == [None, ana]
    token = alice.json_of("DELETE", f"/contacts/{ana}")["confirm"]
    alice.json_of("DELETE", f"/contacts/{ana}?confirm={token}")
    there.wait(lambda: "contact.deleted" in there.types())
    gone = next(message.body for message in there.received if message.type == "contact.deleted")
    assert (gone["data"]["id"], gone["data"]["name"]) == (ana, "Ana Paz")
    assert gone["data"]["email"] == "ana@example.com"


def test_what_follows_from_other_records_is_null_in_a_record_that_is_gone(alice: Person, there: Receiver) -> None:
    made(alice, there, events=["contact.deleted"])
    acme = alice.json_of("POST", "/companies", {"name": "Acme"})["id"]
    ana = alice.json_of("POST", "/contacts", {"name": "Ana", "company_id": acme})["id"]
    alice.json_of("POST", f"/contacts/{ana}/activities", {"kind": "call", "body": "hello"})
    was = alice.json_of("GET", f"/contacts/{ana}")
    token = alice.json_of("DELETE", f"/contacts/{ana}")["confirm"]
    alice.json_of("DELETE", f"/contacts/{ana}?confirm={token}")
    gone = there.wait_for(1)[0].body["data"]
    follows = {"activities", "last_activity_at", "last_contacted_at", "contacts_made", "on_behalf_of", "score"}
    unknown = {*follows, "company_name"}
    assert list(gone) == list(was)
    assert gone == {name: None if name in unknown else value for name, value in was.items()}


def test_an_activity_is_an_event_and_only_chosen_events_are_sent(alice: Person, there: Receiver) -> None:
    made(alice, there, events=["activity.created", "deals.updated"])
    ana = alice.json_of("POST", "/contacts", {"name": "Ana"})["id"]
    deal = alice.json_of("POST", "/deals", {"title": "Big"})["id"]
    alice.json_of("POST", f"/contacts/{ana}/activities", {"kind": "call", "body": "said hello"})
    alice.json_of("PATCH", f"/deals/{deal}", {"title": "Bigger"})
    there.wait_for(2)
    assert sorted(there.types()) == ["activity.created", "deal.updated"]
    call = next(message.body for message in there.received if message.type == "activity.created")
    assert (call["data"]["body"], call["data"]["contact_id"]) == ("said hello", ana)


def test_a_batch_and_its_undo_are_one_event_each_with_all_ids(alice: Person, there: Receiver) -> None:
    made(alice, there, events=["contact.*"])
    batch = {"items": [{"name": f"No {number}"} for number in range(20)]}
    answer = alice.json_of("POST", "/contacts/batch", batch)
    (message,) = there.wait_for(1)
    assert message.type == "contacts.created"
    assert message.body["operation"] == answer["operation"]
    assert message.body["data"]["count"] == 20
    ids = {each["id"] for each in alice.json_of("GET", "/contacts?limit=50")["items"]}
    assert set(message.body["data"]["ids"]) == ids
    alice.json_of("POST", f"/undo/{answer['operation']}")
    gone = there.wait_for(2)[-1]
    assert gone.type == "contacts.deleted"
    assert set(gone.body["data"]["ids"]) == ids
    assert "changes" not in gone.body


def test_a_webhook_without_events_is_told_of_all_and_unknown_events_are_refused_with_the_nearest(
    alice: Person, there: Receiver
) -> None:
    assert made(alice, there)["events"] == ["*"]
    answer = alice.json_of("POST", "/webhooks", {"url": there.url, "events": ["contact.craeted"]})
    assert answer["error"] == "invalid_value"
    assert "did you mean contact.created?" in answer["fields"]["events"]
    assert made(alice, there, events=["contacts.created", "contact.created"])["events"] == ["contact.created"]


def test_an_empty_list_of_events_is_refused_by_post_and_patch(alice: Person, there: Receiver) -> None:
    webhook = made(alice, there, events=["contact.created"])
    for method, path in (("POST", "/webhooks"), ("PATCH", f"/webhooks/{webhook['id']}")):
        answer = alice.json_of(method, path, {"url": there.url, "events": []})
        assert answer["error"] == "invalid_value"
        assert "name at least one event" in answer["fields"]["events"]
    assert standing(alice, webhook)["events"] == ["contact.created"]
    assert alice.json_of("GET", "/webhooks")["total"] == 1


def test_the_secret_is_in_the_answer_that_made_it_whatever_fields_that_shows(
    alice: Person, there: Receiver, home: House
) -> None:
    webhook = alice.json_of("POST", "/webhooks?fields=url", {"url": there.url})
    assert list(webhook) == ["handle", "id", "url", "secret", "operation", "remarks"]
    assert "secret=whsec_" in alice.text("POST", "/webhooks?fields=handle", {"url": there.url})
    place = alice.json_of("GET", "/whoami")["workspace"]
    given = {"token_name": "n", "scopes": ["webhooks.write", "contacts.read"]}
    writer = alice.json_of("POST", f"/workspaces/{place}/tokens", given)["token"]
    with Person(home.url, writer) as agent:
        blind = agent.json_of("POST", "/webhooks", {"url": there.url, "events": ["contact.created"]})
        assert "url" not in blind
        assert blind["secret"].startswith("whsec_")
        again = agent.json_of("PATCH", f"/webhooks/{blind['id']}", {"secret": None})["secret"]
        assert again.startswith("whsec_")
        assert again != blind["secret"]


def test_the_secret_is_shown_once_and_nowhere_else(alice: Person, there: Receiver, home: House) -> None:
    webhook = made(alice, there, events=["contact.created"])
    secret = webhook["secret"]
    for path in (
        *(f"/webhooks/{webhook['id']}{end}" for end in ("", "/history", "/blame", "/deliveries")),
        *("/webhooks", "/webhooks/export", "/audit", "/changes?since=2020-01-01", "/brief"),
    ):
        for format in ("text", "json"):
            answer = alice.get(path, headers={"Accept": "application/json" if format == "json" else "text/plain"})
            assert answer.status_code == 200, answer.text
            assert secret not in answer.text
            assert "secret" not in answer.text
    assert secret not in home.logged()
    archive = alice.get(f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}/export")
    assert archive.status_code == 200
    assert secret.encode() not in archive.content


def test_a_key_replays_the_answer_without_the_secret_and_a_dry_run_makes_none(alice: Person, there: Receiver) -> None:
    def post(**headers: str) -> str:
        return alice.post("/webhooks", json={"url": there.url}, headers=headers).text

    first, again = post(**{"Idempotency-Key": "one"}), post(**{"Idempotency-Key": "one"})
    assert "whsec_" in first
    assert "whsec_" not in again
    assert "whsec_" not in alice.post("/webhooks?dry_run=1", json={"url": there.url}).text
    assert alice.json_of("GET", "/webhooks")["total"] == 1


def test_a_new_secret_signs_beside_the_old_one_for_a_day(alice: Person, there: Receiver, home: House) -> None:
    webhook = made(alice, there, events=["contact.created"])
    path, own = f"/webhooks/{webhook['id']}", "whsec_" + base64.b64encode(b"k" * 32).decode()
    assert "secret" not in alice.json_of("PATCH", path, {"secret": own})
    alice.json_of("POST", "/contacts", {"name": "Ana"})
    (message,) = there.wait_for(1)
    for secret in (webhook["secret"], own):
        Webhook(secret).verify(message.raw, dict(message.headers))
    home.clock.move(days=1)
    alice.json_of("POST", "/contacts", {"name": "Bea"})
    message = there.wait_for(2)[-1]
    assert len(message.headers["webhook-signature"].split(" ")) == 1
    made_anew = alice.json_of("PATCH", path, {"secret": None})["secret"]
    assert made_anew not in (own, webhook["secret"])
    assert alice.json_of("PATCH", path, {"secret": "whsec_short"})["error"] == "invalid_value"


def test_another_secret_is_logged_without_it_and_ends_all_but_the_one_before_it(alice: Person, there: Receiver) -> None:
    webhook = made(alice, there, events=["contact.created"])
    path = f"/webhooks/{webhook['id']}"
    second = alice.json_of("PATCH", path, {"secret": None})
    assert second["version"] == webhook["version"] + 1
    entry = alice.json_of("GET", f"{path}/history?fields=action,changes")["items"][0]
    assert (entry["action"], entry["changes"]) == ("webhook.update", {"secret": ["hidden", "hidden"]})
    third = alice.json_of("PATCH", path, {"secret": None})
    assert alice.json_of("PATCH", path, {"secret": third["secret"]})["version"] == third["version"]
    alice.json_of("POST", "/contacts", {"name": "Ana"})
    (message,) = there.wait_for(1)
    for known in (second, third):
        Webhook(known["secret"]).verify(message.raw, dict(message.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook["secret"]).verify(message.raw, dict(message.headers))


@pytest.mark.parametrize("url", ["https://10.0.0.1/x", "https://169.254.169.254/", "https://[::1]/"])
def test_a_forbidden_address_is_refused_as_a_webhook_is_made_and_changed(
    alice: Person, there: Receiver, url: str
) -> None:
    assert alice.json_of("POST", "/webhooks", {"url": url})["error"] in ("address_refused", "invalid_value")
    webhook = made(alice, there)
    answer = alice.send_it("PATCH", f"/webhooks/{webhook['id']}", {"url": url})
    assert answer.status_code == 400
    assert standing(alice, webhook)["url"] == there.url


def test_a_test_event_is_answered_with_what_the_receiver_said(alice: Person, there: Receiver) -> None:
    webhook = made(alice, there, active=False)
    answer = alice.json_of("POST", f"/webhooks/{webhook['id']}/test")
    assert (answer["type"], answer["state"], answer["status"]) == ("webhook.test", "delivered", 204)
    there.answers = lambda message: 500
    answer = alice.json_of("POST", f"/webhooks/{webhook['id']}/test")
    assert (answer["state"], answer["status"], answer["next_at"]) == ("failed", 500, None)
    assert there.types() == ["webhook.test", "webhook.test"]
    assert alice.json_of("POST", f"/webhooks/{webhook['id']}/test?dry_run=1")["state"] == "waiting"
    assert len(sent(alice, webhook)) == 2


def test_deliveries_are_listed_by_state_page_by_page_and_sent_again(alice: Person, there: Receiver) -> None:
    webhook = made(alice, there, events=["contact.created"])
    for number in range(5):
        alice.json_of("POST", "/contacts", {"name": f"No {number}"})
    there.wait_for(5)
    found = until(lambda: len(rows := sent(alice, webhook, "?state=delivered")) == 5 and rows)
    assert {each["status"] for each in found} == {204}
    assert not sent(alice, webhook, "?state=failed")
    path, cursor, seen = f"/webhooks/{webhook['id']}/deliveries?limit=2", "", []
    while True:
        page = alice.json_of("GET", f"{path}&cursor={cursor}" if cursor else path)
        seen += [each["id"] for each in page["items"]]
        cursor = page.get("next_cursor")
        if not cursor:
            break
    assert seen == [each["id"] for each in found]
    again = alice.json_of("POST", f"/webhooks/{webhook['id']}/deliveries/{seen[0]}/redeliver")
    assert (again["state"], again["attempts"]) == ("delivered", 2)
    ids = [message.body["id"] for message in there.wait_for(6)]
    assert ids.count(again["event"]) == 2
    wrong = alice.send_it("POST", f"/webhooks/{webhook['id']}/deliveries/dl_aaaaaaaa/redeliver")
    assert wrong.status_code == 404


def test_ids_of_deliveries_are_not_used_again(alice: Person, there: Receiver) -> None:
    seen = list[str]()
    for _ in range(2):
        webhook = made(alice, there, events=["contact.created"])
        seen.append(alice.json_of("POST", f"/webhooks/{webhook['id']}/test")["id"])
        alice.json_of("DELETE", f"/webhooks/{webhook['id']}")
    assert len(set(seen)) == 2
