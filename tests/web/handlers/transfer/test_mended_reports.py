"""The report of refused rows is mended and sent again: it is read as the file was that it comes from."""

from tests.house import Person
from tests.web.handlers.transfer.test_imports import counts, imported, planned

CARDS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:42\r\nFN:Jane Doe\r\nN:Doe;Jane;;;\r\nEMAIL:no address\r\n"
    "PHOTO;ENCODING=b;TYPE=JPEG:aGVsbG8=\r\nEND:VCARD\r\n"
)


def test_a_mended_card_keeps_its_id_and_leaves_its_photo_out(alice: Person) -> None:
    id = planned(alice, CARDS, "kind=contacts")["id"]
    report = alice.get(f"/imports/{id}?format=csv").text
    assert counts(imported(alice, report.replace("no address", "jane@acme.example"), "kind=contacts")) == (1, 1, 0, 0)
    found = alice.json_of("GET", "/contacts/jane@acme.example")
    assert (found["source_id"], found.get("custom")) == ("vcard:42", None)
    assert counts(planned(alice, CARDS.replace("EMAIL:no address\r\n", ""), "kind=contacts"))[1:3] == (0, 1)
